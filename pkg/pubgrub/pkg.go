package pubgrub

import "context"

// pkg is one package as the solver sees it.
type pkg struct {
	id         int // order in which the solver met it; 0 is the root
	name       string
	versions   []string // newest first
	note       string
	full       set   // everything that can become of it
	order      []int // versions by preference, the ones of Listing.Preferred in front
	first      int   // how many of order those are
	decideLast bool  // Listing.DecideLast

	mentions []mention         // the incompatibilities that have a term about it
	facts    map[string]place  // by what they say, for merging
	released []bool            // versions whose Release is known
	labels   map[string]string // constraints by the key of what they admit

	trail   []assignment // what the partial solution says of it, in order
	decided bool
}

// mention is an incompatibility that speaks of a package, with what it says of
// it close at hand.
type mention struct {
	set set
	inc *incompatibility
}

// place is where a fact's incompatibility stands in the lists of its packages,
// so that one that says the same of more versions can take its place.
type place struct {
	inc *incompatibility
	at  []int // in the order of inc.terms
}

func (p *pkg) root() bool { return p.id == 0 }

// allowed returns what the partial solution leaves open for p.
func (p *pkg) allowed() set {
	if len(p.trail) == 0 {
		return p.full
	}
	return p.trail[len(p.trail)-1].rest
}

// wanted reports whether p must be chosen and is not yet.
func (p *pkg) wanted() bool { return !p.decided && !p.allowed().has(absent) }

// newPkg returns a package with a listing.
func newPkg(id int, name string, l Listing) *pkg {
	p := &pkg{
		id: id, name: name, versions: l.Versions, note: l.Note, decideLast: l.DecideLast,
		full:     fullSet(len(l.Versions)),
		facts:    map[string]place{},
		labels:   map[string]string{},
		released: make([]bool, len(l.Versions)),
	}
	index := make(map[string]int, len(l.Versions))
	for i, v := range l.Versions {
		index[v] = i
	}
	taken := make([]bool, len(l.Versions))
	for _, v := range l.Preferred {
		if i, ok := index[v]; ok && !taken[i] {
			taken[i] = true
			p.order = append(p.order, i)
		}
	}
	p.first = len(p.order)
	for i := range l.Versions {
		if !taken[i] {
			p.order = append(p.order, i)
		}
	}
	return p
}

// best returns the version that is preferred among those allowed.
func (p *pkg) best() int {
	allowed := p.allowed()
	for _, v := range p.order {
		if allowed.has(v + 1) {
			return v
		}
	}
	return -1
}

// priority tells when p is to be decided: 0, before all others, if a version of
// Listing.Preferred is allowed; 2, after them, if it is decided last; else 1.
func (p *pkg) priority() int {
	if p.decideLast {
		return 2
	}
	allowed := p.allowed()
	for _, v := range p.order[:p.first] {
		if allowed.has(v + 1) {
			return 0
		}
	}
	return 1
}

// admitted returns the versions of p that a dependency admits, and remembers
// how the dependency calls them.
func (p *pkg) admitted(d Dependency) set {
	s := newSet(len(p.versions))
	for i, v := range p.versions {
		if d.Admits == nil || d.Admits(v) {
			s.add(i + 1)
		}
	}
	if _, ok := p.labels[s.key()]; !ok {
		p.labels[s.key()] = d.Text
	}
	return s
}

// pkg returns the package of a name, which the Source lists the first time.
func (s *solver) pkg(ctx context.Context, name string) (*pkg, error) {
	if p := s.byName[name]; p != nil {
		return p, nil
	}
	l, err := s.source.Versions(ctx, name)
	if err != nil {
		return nil, err
	}
	p := newPkg(len(s.pkgs), name, l)
	s.pkgs = append(s.pkgs, p)
	s.byName[name] = p
	return p, nil
}
