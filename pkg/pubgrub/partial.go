package pubgrub

import "sort"

// assignment is one entry of the partial solution: a decision, or what follows
// from a cause.
type assignment struct {
	set   set              // what it says
	rest  set              // what it and all earlier ones leave open for its package
	cause *incompatibility // nil for a decision
	level int              // number of decisions at or before it, the root's not counted
	at    int              // position in the partial solution
}

// partial is the partial solution: what is decided and what follows from it.
// It is kept twice, as one list and as a list for each package.
type partial struct {
	pkgs  []*pkg // of each assignment, in order
	level int
}

func (ps *partial) assign(p *pkg, s set, cause *incompatibility) {
	p.trail = append(p.trail, assignment{
		set: s, rest: p.allowed().and(s), cause: cause, level: ps.level, at: len(ps.pkgs),
	})
	ps.pkgs = append(ps.pkgs, p)
}

// decide takes one version of a package. The root's decision opens no level.
func (ps *partial) decide(p *pkg, version int) {
	if !p.root() {
		ps.level++
	}
	s := newSet(len(p.versions))
	s.add(version + 1)
	ps.assign(p, s, nil)
	p.decided = true
}

// derive records that a term of a cause cannot hold.
func (ps *partial) derive(t term, cause *incompatibility) {
	ps.assign(t.pkg, t.pkg.full.without(t.set), cause)
}

// backtrack forgets everything above a level.
func (ps *partial) backtrack(level int) {
	for len(ps.pkgs) > 0 {
		p := ps.pkgs[len(ps.pkgs)-1]
		last := p.trail[len(p.trail)-1]
		if last.level <= level {
			break
		}
		p.trail = p.trail[:len(p.trail)-1]
		ps.pkgs = ps.pkgs[:len(ps.pkgs)-1]
		if last.cause == nil {
			p.decided = false
		}
	}
	ps.level = level
}

type relation int

const (
	inconclusive relation = iota
	contradicted
	almostSatisfied // all terms but one hold, and that one is open
	satisfied
)

// relation compares an incompatibility with the partial solution. The term is
// the open one of almostSatisfied.
func (inc *incompatibility) relation() (term, relation) {
	var open term
	n := 0
	for _, t := range inc.terms {
		switch allowed := t.pkg.allowed(); {
		case allowed.within(t.set):
		case allowed.disjoint(t.set):
			return term{}, contradicted
		default:
			open = t
			n++
		}
	}
	switch n {
	case 0:
		return term{}, satisfied
	case 1:
		return open, almostSatisfied
	}
	return term{}, inconclusive
}

// satisfier returns the assignment with which the partial solution came to
// satisfy inc, and the level from which it would do so with that assignment
// alone added: the level to which one can go back and learn something.
func (inc *incompatibility) satisfier() (last assignment, t term, level int) {
	for _, u := range inc.terms {
		a, ok := u.satisfiedBy(nil)
		if !ok {
			continue
		}
		if t.pkg == nil || a.at > last.at {
			if t.pkg != nil {
				level = max(level, last.level)
			}
			last, t = a, u
		} else {
			level = max(level, a.level)
		}
	}
	// The last assignment may need an earlier one of its own package.
	if before, ok := t.satisfiedBy(last.set); ok {
		level = max(level, before.level)
	}
	return last, t, level
}

// satisfiedBy returns the first assignment of the term's package that, with
// all before it and with extra where given, makes the term true; none if no
// assignment is needed.
func (t term) satisfiedBy(extra set) (assignment, bool) {
	if extra != nil && extra.within(t.set) {
		return assignment{}, false
	}
	trail := t.pkg.trail
	at := sort.Search(len(trail), func(i int) bool {
		rest := trail[i].rest
		if extra != nil {
			rest = rest.and(extra)
		}
		return rest.within(t.set)
	})
	if at == len(trail) {
		return assignment{}, false
	}
	return trail[at], true
}
