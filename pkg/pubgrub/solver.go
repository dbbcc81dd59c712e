package pubgrub

import (
	"context"
	"strings"
)

// Solve returns a version of every package that root needs, directly or
// through others, and of no other package. It is deterministic.
//
// Errors: *Failure where no choice satisfies all dependencies, the Source's,
// the context's.
func Solve(ctx context.Context, source Source, root Root) (map[string]string, error) {
	s := &solver{source: source, byName: map[string]*pkg{}}
	top := newPkg(0, root.Name, Listing{Versions: []string{""}})
	s.pkgs = []*pkg{top}
	s.decide(top, 0)
	top.released[0] = true
	if _, err := s.learn(ctx, top, 0, Release{Depends: root.Depends}); err != nil {
		return nil, err
	}
	for p := top; p != nil; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.propagate(p); err != nil {
			return nil, err
		}
		var err error
		if p, err = s.choose(ctx); err != nil {
			return nil, err
		}
	}
	solution := map[string]string{}
	for _, p := range s.pkgs[1:] {
		if p.decided {
			solution[p.name] = p.versions[p.best()]
		}
	}
	return solution, nil
}

type solver struct {
	partial
	source Source
	pkgs   []*pkg // by id
	byName map[string]*pkg
	fresh  []*incompatibility // not yet compared with the partial solution
}

// add makes an incompatibility known to its packages.
func (s *solver) add(inc *incompatibility) []int {
	at := make([]int, len(inc.terms))
	for i, t := range inc.terms {
		at[i] = len(t.pkg.mentions)
		t.pkg.mentions = append(t.pkg.mentions, mention{t.set, inc})
	}
	return at
}

// propagate draws every conclusion that follows from what p has become and
// from what was learned since the last time.
func (s *solver) propagate(p *pkg) error {
	changed := []*pkg{p}
	draw := func(inc *incompatibility) (conflict bool, err error) {
		switch open, relation := inc.relation(); relation {
		case almostSatisfied:
			s.derive(open, inc)
			changed = append(changed, open.pkg)
		case satisfied:
			cause, err := s.resolve(inc)
			if err != nil {
				return true, err
			}
			s.fresh = append(s.fresh, cause) // almost satisfied now
			changed = changed[:0]
			return true, nil
		}
		return false, nil
	}
	for len(s.fresh) > 0 || len(changed) > 0 {
		if last := len(s.fresh) - 1; last >= 0 {
			inc := s.fresh[last]
			s.fresh = s.fresh[:last]
			if _, err := draw(inc); err != nil {
				return err
			}
			continue
		}
		p, changed = changed[0], changed[1:]
		// The newest first: those learned from conflicts say the most.
		for i := len(p.mentions) - 1; i >= 0; i-- {
			m := p.mentions[i]
			// Nothing new can follow from a term that does not hold.
			if !p.allowed().within(m.set) {
				continue
			}
			conflict, err := draw(m.inc)
			if err != nil {
				return err
			}
			if conflict {
				break
			}
		}
	}
	return nil
}

// resolve finds the root cause of a conflict, goes back to where it can be
// avoided, and returns it. The error is a *Failure.
func (s *solver) resolve(conflict *incompatibility) (*incompatibility, error) {
	cause := conflict
	for !cause.impossible() {
		last, t, level := cause.satisfier()
		if last.cause == nil || level < last.level {
			if cause != conflict {
				s.add(cause)
			}
			s.backtrack(level)
			return cause, nil
		}
		cause = resolvent(cause, last.cause, t.pkg)
	}
	return nil, &Failure{cause: cause}
}

// choose decides on a version of one package and returns the package, nil
// if nothing is left to decide. A version that is seen to fail is not
// decided on; its package is returned all the same, so that propagation rules
// the version out.
func (s *solver) choose(ctx context.Context) (*pkg, error) {
	p := s.next()
	if p == nil {
		return nil, nil
	}
	v := p.best()
	if !p.released[v] {
		r, err := s.source.Release(ctx, p.name, p.versions[v])
		if err != nil {
			return nil, err
		}
		p.released[v] = true
		fails, err := s.learn(ctx, p, v, r)
		if err != nil || fails {
			return p, err
		}
	}
	s.decide(p, v)
	return p, nil
}

// next returns the package to decide on: those with a version to be preferred
// first and those to decide last at the end, then the one with the fewest versions left,
// where conflicts show soonest, then the one met first.
func (s *solver) next() *pkg {
	var next *pkg
	var nextPriority, nextCount int
	for _, p := range s.pkgs {
		if !p.wanted() {
			continue
		}
		priority, count := p.priority(), p.allowed().count()
		if next == nil || priority < nextPriority || priority == nextPriority && count < nextCount {
			next, nextPriority, nextCount = p, priority, count
		}
	}
	return next
}

// learn records what is known of a version and reports whether the partial
// solution makes it impossible to choose. What is said of several versions
// alike becomes one incompatibility, which makes shorter proofs and rules out
// more at once.
func (s *solver) learn(ctx context.Context, p *pkg, version int, r Release) (fails bool, err error) {
	these := newSet(len(p.versions))
	these.add(version + 1)
	facts := []fact{{pkg: p, versions: these, unusable: r.Unusable}}
	if r.Unusable == "" {
		facts = facts[:0]
		for _, d := range r.Depends {
			target, err := s.pkg(ctx, d.Package)
			if err != nil {
				return false, err
			}
			facts = append(facts, fact{pkg: p, versions: these, dep: d, target: target, admitted: target.admitted(d)})
		}
	}
	for _, f := range facts {
		inc := s.merge(f)
		if inc == nil {
			continue
		}
		holds := true
		for _, t := range inc.terms {
			allowed := t.pkg.allowed()
			if t.pkg == p {
				allowed = these
			}
			holds = holds && allowed.within(t.set)
		}
		fails = fails || holds
	}
	return fails, nil
}

// merge adds the incompatibility of a fact, in place of the one that says the
// same of other versions if there is one.
func (s *solver) merge(f fact) *incompatibility {
	key := strings.Join([]string{f.unusable, f.dep.Package, f.dep.Text, f.dep.Where, f.admitted.key()}, "\x00")
	old, have := f.pkg.facts[key]
	if have {
		f.versions = f.versions.or(old.inc.fact.versions)
	}
	inc := f.incompatibility()
	switch {
	case inc == nil:
		return nil
	case have:
		for i, t := range inc.terms {
			t.pkg.mentions[old.at[i]] = mention{t.set, inc}
		}
		old.inc = inc
	default:
		old = place{inc, s.add(inc)}
	}
	f.pkg.facts[key] = old
	s.fresh = append(s.fresh, inc)
	return inc
}
