package pubgrub

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// universe is a Source written down in the language of testdata/solver. One
// line says one thing; # begins a comment:
//
//	root: foo ^1.0.0 @ manifest:3, bar     what the root wants, and if it says so
//	foo 1.1.0: bar >=2 <3, baz             a version and what it depends on
//	foo 1.0.0                              one that depends on nothing
//	foo 1.2.0 ! offers no linux/arm64      one that cannot be chosen, and why
//	prefer foo 1.0.0                       Listing.Preferred
//	last foo                              Listing.DecideLast
//	note host = host is 1.0.0 (m:5)        Listing.Note
//	repeat 1 9: p{n} 1.0.0: p{n+1} ^1      the line for n from 1 to 9
//
// Behind them stands what is expected: "= solution" with a line "NAME VERSION"
// for each package, or "= proof" with the proof, and "= asked" with the
// versions whose releases were asked for, in order.
type universe struct {
	root     []Dependency
	listings map[string]*Listing
	releases map[string]Release // by "NAME VERSION"
	admits   map[string]*semver.Version
	asked    []string
}

func newUniverse() *universe {
	return &universe{listings: map[string]*Listing{}, releases: map[string]Release{}, admits: map[string]*semver.Version{}}
}

func (u *universe) Versions(_ context.Context, pkg string) (Listing, error) {
	if l := u.listings[pkg]; l != nil {
		return *l, nil
	}
	return Listing{}, nil
}

func (u *universe) Release(_ context.Context, pkg, version string) (Release, error) {
	u.asked = append(u.asked, pkg+" "+version)
	return u.releases[pkg+" "+version], nil
}

func (u *universe) solve() (map[string]string, error) {
	return Solve(context.Background(), u, Root{Name: "the manifest", Depends: u.root})
}

func (u *universe) listing(name string) *Listing {
	if u.listings[name] == nil {
		u.listings[name] = &Listing{}
	}
	return u.listings[name]
}

// parseUniverse reads the language, up to the first line that begins with "=".
func parseUniverse(text []byte) (*universe, error) {
	u := newUniverse()
	for i, raw := range strings.Split(string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))), "\n") {
		if strings.HasPrefix(raw, "=") {
			break
		}
		l, _, _ := strings.Cut(raw, "#")
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if err := u.line(l); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	for name, l := range u.listings {
		slices.SortFunc(l.Versions, func(a, b string) int {
			return u.admits[b].Compare(u.admits[a])
		})
		if len(slices.Compact(slices.Clone(l.Versions))) < len(l.Versions) {
			return nil, fmt.Errorf("%s has a version twice", name)
		}
	}
	return u, nil
}

func (u *universe) line(l string) error {
	word, rest, _ := strings.Cut(l, " ")
	switch word {
	case "root:":
		deps, err := u.dependencies(rest)
		u.root = append(u.root, deps...)
		return err
	case "prefer":
		name, version, _ := strings.Cut(rest, " ")
		u.listing(name).Preferred = append(u.listing(name).Preferred, version)
		return nil
	case "last":
		u.listing(rest).DecideLast = true
		return nil
	case "note":
		name, note, ok := strings.Cut(rest, " = ")
		if !ok {
			return fmt.Errorf("note without =")
		}
		u.listing(name).Note = note
		return nil
	case "repeat":
		return u.repeat(rest)
	}
	head, reason, unusable := strings.Cut(l, " ! ")
	head, list, _ := strings.Cut(head, ":")
	f := strings.Fields(head)
	if len(f) != 2 {
		return fmt.Errorf("%q is not NAME VERSION", head)
	}
	v, err := semver.StrictNewVersion(f[1])
	if err != nil {
		return err
	}
	u.admits[f[1]] = v
	u.listing(f[0]).Versions = append(u.listing(f[0]).Versions, f[1])
	r := Release{}
	if unusable {
		r.Unusable = reason
	}
	if r.Depends, err = u.dependencies(list); err != nil {
		return err
	}
	u.releases[f[0]+" "+f[1]] = r
	return nil
}

func (u *universe) dependencies(list string) ([]Dependency, error) {
	var deps []Dependency
	for _, item := range strings.Split(list, ",") {
		item, where, _ := strings.Cut(item, "@")
		name, text, _ := strings.Cut(strings.TrimSpace(item), " ")
		if name == "" {
			continue
		}
		d := Dependency{Package: name, Text: strings.TrimSpace(text), Where: strings.TrimSpace(where)}
		if d.Text != "" {
			c, err := semver.NewConstraint(d.Text)
			if err != nil {
				return nil, err
			}
			d.Admits = func(v string) bool { return c.Check(u.admits[v]) }
		}
		deps = append(deps, d)
	}
	return deps, nil
}

// repeat writes {n}, {n+1} and {n-1} out for a range of numbers.
func (u *universe) repeat(rest string) error {
	span, l, ok := strings.Cut(rest, ": ")
	f := strings.Fields(span)
	if !ok || len(f) != 2 {
		return fmt.Errorf("repeat wants FROM TO: LINE")
	}
	from, err := strconv.Atoi(f[0])
	if err != nil {
		return err
	}
	to, err := strconv.Atoi(f[1])
	if err != nil {
		return err
	}
	if strings.HasPrefix(l, "repeat") || to-from > 1000 {
		return fmt.Errorf("repeat of too much")
	}
	for n := from; n <= to; n++ {
		r := strings.NewReplacer("{n}", strconv.Itoa(n), "{n+1}", strconv.Itoa(n+1), "{n-1}", strconv.Itoa(n-1))
		if err := u.line(r.Replace(l)); err != nil {
			return err
		}
	}
	return nil
}

// outcome writes what came of u as the files have it.
func (u *universe) outcome(asked bool) string {
	solution, err := u.solve()
	var b strings.Builder
	if err != nil {
		fmt.Fprintf(&b, "= proof\n%s\n", err)
	} else {
		b.WriteString("= solution\n")
		names := make([]string, 0, len(solution))
		for name := range solution {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Fprintf(&b, "%s %s\n", name, solution[name])
		}
	}
	if asked {
		fmt.Fprintf(&b, "= asked\n%s\n", strings.Join(u.asked, "\n"))
	}
	return b.String()
}
