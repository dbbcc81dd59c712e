package pubgrub

import "slices"

// term says that what becomes of a package is in the set. It is positive,
// "foo is chosen, and of these versions", where the set is without absent.
type term struct {
	pkg *pkg
	set set
}

func (t term) positive() bool { return !t.set.has(absent) }

// incompatibility is a list of terms that are not all true in any solution:
// an outside fact, or derived from two other incompatibilities.
type incompatibility struct {
	terms  []term              // one a package, in order of pkg.id
	fact   *fact               // nil where derived
	causes [2]*incompatibility // where derived
}

// fact is what the Source said of some versions of a package.
type fact struct {
	pkg      *pkg
	versions set
	unusable string // or, if that is empty:
	dep      Dependency
	target   *pkg
	admitted set
}

// unmet reports whether the fact is a dependency that no version satisfies.
func (f *fact) unmet() bool { return f.unusable == "" && f.admitted.empty() }

// incompatibility returns f as terms, nil where f rules nothing out: a version
// that depends on itself.
func (f *fact) incompatibility() *incompatibility {
	inc := &incompatibility{fact: f}
	switch {
	case f.unusable != "", f.unmet():
		inc.terms = []term{{f.pkg, f.versions}}
	case f.target == f.pkg:
		bad := f.versions.without(f.admitted)
		if bad.empty() {
			return nil
		}
		f.versions = bad
		inc.terms = []term{{f.pkg, bad}}
	default:
		inc.terms = []term{{f.pkg, f.versions}, {f.target, f.target.full.without(f.admitted)}}
		inc.sort()
	}
	return inc
}

func (inc *incompatibility) sort() {
	slices.SortFunc(inc.terms, func(a, b term) int { return a.pkg.id - b.pkg.id })
}

// impossible reports whether inc says that there is no solution at all.
func (inc *incompatibility) impossible() bool {
	for _, t := range inc.terms {
		if !t.pkg.root() {
			return false
		}
	}
	return true
}

// term returns inc's term about p.
func (inc *incompatibility) term(p *pkg) (term, bool) {
	for _, t := range inc.terms {
		if t.pkg == p {
			return t, true
		}
	}
	return term{}, false
}

// resolvent applies the rule of resolution to two incompatibilities that both
// speak of p: of p, what either rules out remains (nothing, where together
// they rule out everything), of others, what both do. The root is always
// chosen, so that to say so is left out.
func resolvent(a, b *incompatibility, p *pkg) *incompatibility {
	inc := &incompatibility{causes: [2]*incompatibility{a, b}}
	for _, t := range a.terms {
		other, both := b.term(t.pkg)
		switch {
		case t.pkg.root():
			continue
		case t.pkg == p:
			t.set = t.set.or(other.set)
			if p.full.within(t.set) {
				continue
			}
		case both:
			t.set = t.set.and(other.set)
		}
		inc.terms = append(inc.terms, t)
	}
	for _, t := range b.terms {
		if _, both := a.term(t.pkg); !both && !t.pkg.root() {
			inc.terms = append(inc.terms, t)
		}
	}
	inc.sort()
	return inc
}
