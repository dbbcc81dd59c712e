package pubgrub

import (
	"slices"
	"strings"
)

// Failure says that no choice of versions satisfies all dependencies.
type Failure struct {
	cause *incompatibility // that there is no solution
}

// Error returns the proof.
func (f *Failure) Error() string { return f.Proof() }

// Proof returns the proof in sentences, one a line, the first beginning with
// "Because". A conclusion that is referred to further down is numbered, "(1)",
// and an empty line stands where a new line of thought begins. The last line
// says which versions there are of the packages spoken of.
func (f *Failure) Proof() string {
	r := reporter{uses: map[*incompatibility]int{}, numbers: map[*incompatibility]int{}}
	r.count(f.cause)
	r.explain(f.cause)
	lines := make([]string, 0, len(r.lines)+1)
	for _, l := range r.lines {
		if l.number > 0 {
			l.text += " (" + itoa(l.number) + ")"
		}
		lines = append(lines, l.text)
	}
	if there := f.universe(); there != "" {
		lines = append(lines, "", there)
	}
	return strings.Join(lines, "\n")
}

// Packages returns the names of the packages that the proof speaks of, the
// root's left out, sorted.
func (f *Failure) Packages() []string {
	var names []string
	for _, p := range f.pkgs() {
		names = append(names, p.name)
	}
	slices.Sort(names)
	return names
}

// pkgs returns the packages of all facts that the proof rests on, by id.
func (f *Failure) pkgs() []*pkg {
	var pkgs []*pkg
	add := func(p *pkg) {
		if p != nil && !p.root() && !slices.Contains(pkgs, p) {
			pkgs = append(pkgs, p)
		}
	}
	for _, fact := range f.facts() {
		add(fact.pkg)
		add(fact.target)
	}
	slices.SortFunc(pkgs, func(a, b *pkg) int { return a.id - b.id })
	return pkgs
}

// facts returns what the proof rests on.
func (f *Failure) facts() []*fact {
	var facts []*fact
	seen := map[*incompatibility]bool{}
	var walk func(inc *incompatibility)
	walk = func(inc *incompatibility) {
		if seen[inc] {
			return
		}
		seen[inc] = true
		if inc.fact != nil {
			facts = append(facts, inc.fact)
			return
		}
		walk(inc.causes[0])
		walk(inc.causes[1])
	}
	walk(f.cause)
	return facts
}

// universe says which versions there are of the packages that the proof chose
// among. A package whose many versions a fact already names is left out.
func (f *Failure) universe() string {
	known := map[*pkg]bool{}
	for _, fact := range f.facts() {
		if fact.unmet() && (fact.target.note != "" || len(fact.target.versions) != 1) {
			known[fact.target] = true
		}
	}
	var parts []string
	for _, p := range f.pkgs() {
		if !known[p] {
			parts = append(parts, p.name+" "+p.list())
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "The versions there are: " + strings.Join(parts, "; ") + "."
}
