package pubgrub

import (
	"fmt"
	"strings"
)

// clause tells the fact as a clause.
func (f *fact) clause() string {
	if f.unusable != "" {
		return f.subject() + " " + f.unusable
	}
	return f.subject() + " depends on " + f.object()
}

// subject names the versions that the fact is about.
func (f *fact) subject() string {
	if f.pkg.root() {
		return f.pkg.name
	}
	return f.pkg.subject(f.versions)
}

// object names what the fact's dependency wants.
func (f *fact) object() string {
	text := f.dep.Package
	if f.dep.Text != "" {
		text += " " + f.dep.Text
	}
	if f.dep.Where != "" {
		text += " (" + f.dep.Where + ")"
	}
	if f.unmet() {
		text += " while " + f.target.versionsClause()
	}
	return text
}

// both tells two facts as one clause, which is shorter where they share what
// they speak of.
func both(a, b *fact) string {
	plain := a.unusable == "" && b.unusable == ""
	switch {
	case plain && a.leadsTo(b):
		return a.clause() + " which depends on " + b.object()
	case plain && b.leadsTo(a):
		return b.clause() + " which depends on " + a.object()
	case plain && a.pkg == b.pkg && !a.unmet() && a.versions.key() == b.versions.key():
		return a.subject() + " depends on both " + a.object() + " and " + b.object()
	}
	return a.clause() + " and " + b.clause()
}

// leadsTo reports whether everything that f admits is what g is about.
func (f *fact) leadsTo(g *fact) bool {
	return f.target == g.pkg && f.target != f.pkg && !f.unmet() && f.admitted.within(g.versions)
}

// conclusion tells a derived incompatibility as a clause.
func (inc *incompatibility) conclusion() string {
	if inc.impossible() {
		return "version solving failed"
	}
	var not, must []string // what cannot all be, unless one of these is
	for _, t := range inc.terms {
		if t.positive() {
			not = append(not, t.pkg.subject(t.set))
		} else {
			must = append(must, t.pkg.object(t.pkg.full.without(t.set)))
		}
	}
	switch {
	case len(not) == 1 && len(must) == 0:
		return not[0] + " is forbidden"
	case len(not) == 0 && len(must) == 1:
		return must[0] + " is required"
	case len(not) == 0:
		return "one of " + join(must, "or") + " is required"
	case len(must) == 0 && len(not) == 2:
		return not[0] + " is incompatible with " + not[1]
	case len(must) == 0:
		return join(not, "and") + " are incompatible with each other"
	case len(not) == 1:
		return not[0] + " requires " + join(must, "or")
	}
	return join(not, "and") + " together require " + join(must, "or")
}

func join(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

// subject names versions of p at the beginning of a clause.
func (p *pkg) subject(s set) string {
	if len(p.versions) > 1 && s.count() == len(p.versions) {
		return "every version of " + p.name
	}
	return p.name + " " + p.ranges(s)
}

// object names versions of p that are wanted, by the constraint that admits
// just them if there is one.
func (p *pkg) object(s set) string {
	if text, ok := p.labels[s.key()]; ok {
		return strings.TrimSpace(p.name + " " + text)
	}
	if s.count() == len(p.versions) {
		return p.name
	}
	return p.name + " " + p.ranges(s)
}

// ranges tells a set of versions by the ends of its runs, which are versions
// that exist: "1.0.0 or >=1.2.0".
func (p *pkg) ranges(s set) string {
	n := len(p.versions)
	var runs []string
	for i := n - 1; i >= 0; i-- { // oldest first
		if !s.has(i + 1) {
			continue
		}
		from := i
		for i > 0 && s.has(i) {
			i--
		}
		oldest, newest := p.versions[from], p.versions[i]
		switch {
		case from == i:
			runs = append(runs, oldest)
		case i == 0:
			runs = append(runs, ">="+oldest)
		case from == n-1:
			runs = append(runs, "<="+newest)
		default:
			runs = append(runs, ">="+oldest+" <="+newest)
		}
	}
	if len(runs) > 4 {
		return fmt.Sprintf("%s or another of %d versions", strings.Join(runs[:3], ", "), s.count())
	}
	return join(runs, "or")
}

// versionsClause reports which versions of p there are, as a clause.
func (p *pkg) versionsClause() string {
	switch {
	case p.note != "":
		return p.note
	case len(p.versions) == 0:
		return "there is no " + p.name
	case len(p.versions) == 1:
		return "the only version of " + p.name + " is " + p.versions[0]
	}
	return "the versions of " + p.name + " are " + p.list()
}

// list names the versions of p, newest first, the middle of many left out.
func (p *pkg) list() string {
	n := len(p.versions)
	if n > 6 {
		return fmt.Sprintf("%s, %s, ... %s (%d versions)", p.versions[0], p.versions[1], p.versions[n-1], n)
	}
	return join(p.versions, "and")
}
