package pubgrub

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// check says what is wrong with a solution, "" if nothing is.
func (u *universe) check(solution map[string]string) string {
	reached := map[string]bool{}
	queue := slices.Clone(u.root)
	for len(queue) > 0 {
		d := queue[0]
		queue = queue[1:]
		v, ok := solution[d.Package]
		switch {
		case !ok:
			return d.Package + " is missing"
		case d.Admits != nil && !d.Admits(v):
			return fmt.Sprintf("%s %s is not admitted by %q", d.Package, v, d.Text)
		}
		if !reached[d.Package] {
			reached[d.Package] = true
			r := u.releases[d.Package+" "+v]
			if r.Unusable != "" {
				return d.Package + " " + v + " is unusable"
			}
			queue = append(queue, r.Depends...)
		}
	}
	if len(reached) != len(solution) {
		return "chooses packages that nothing needs"
	}
	return ""
}

// search tries every choice there is, at most limit of them, and returns a
// solution if any; done is false where there were more.
func (u *universe) search(limit int) (solution map[string]string, done bool) {
	names := slices.Sorted(maps.Keys(u.listings))
	choice := map[string]string{}
	tried := 0
	var try func(i int) map[string]string
	try = func(i int) map[string]string {
		if tried >= limit {
			return nil
		}
		if i == len(names) {
			tried++
			if u.check(choice) == "" {
				return maps.Clone(choice)
			}
			return nil
		}
		if found := try(i + 1); found != nil {
			return found
		}
		defer delete(choice, names[i])
		for _, v := range u.listings[names[i]].Versions {
			choice[names[i]] = v
			if found := try(i + 1); found != nil {
				return found
			}
		}
		return nil
	}
	return try(0), tried < limit
}

// unsound says which step of a proof does not follow, "" where all do: what a
// derived incompatibility rules out must be ruled out by one of its causes.
func unsound(f *Failure) string {
	seen := map[*incompatibility]bool{}
	var walk func(inc *incompatibility) string
	walk = func(inc *incompatibility) string {
		if seen[inc] || inc.fact != nil {
			return ""
		}
		seen[inc] = true
		a, b := inc.causes[0], inc.causes[1]
		// Where inc's terms hold, what remains of each package must lie within
		// a's terms but for one package, and there the rest within b's.
		open := map[*pkg]set{}
		for _, t := range a.terms {
			rest := t.pkg.full
			if t.pkg.root() {
				continue
			}
			if own, ok := inc.term(t.pkg); ok {
				rest = own.set
			}
			if rest = rest.without(t.set); !rest.empty() {
				open[t.pkg] = rest
			}
		}
		if len(open) > 1 {
			return fmt.Sprintf("%s does not follow", inc.conclusion())
		}
		for _, t := range b.terms {
			rest := t.pkg.full
			if t.pkg.root() {
				continue
			}
			if own, ok := inc.term(t.pkg); ok {
				rest = own.set
			}
			if left, ok := open[t.pkg]; ok {
				rest = rest.and(left)
			}
			if !rest.within(t.set) {
				return fmt.Sprintf("%s does not follow", inc.conclusion())
			}
		}
		if problem := walk(a); problem != "" {
			return problem
		}
		return walk(b)
	}
	return walk(f.cause)
}

// random makes a universe of up to 5 packages with up to 3 versions.
func random(r *rand.Rand) *universe {
	u := newUniverse()
	packages := 2 + r.IntN(4)
	name := func(i int) string { return string(rune('a' + i)) }
	for i := range packages {
		l := u.listing(name(i))
		for v := 1 + r.IntN(3); v > 0; v-- {
			l.Versions = append(l.Versions, strconv.Itoa(v))
		}
		if r.IntN(4) == 0 {
			l.Preferred = []string{l.Versions[r.IntN(len(l.Versions))]}
		}
	}
	depends := func(n int) (deps []Dependency) {
		for range n {
			to := name(r.IntN(packages + packages/4)) // some are missing
			var admitted []string
			for _, v := range u.listing(to).Versions {
				if r.IntN(3) > 0 {
					admitted = append(admitted, v)
				}
			}
			deps = append(deps, Dependency{
				Package: to, Text: fmt.Sprint(admitted),
				Admits: func(v string) bool { return slices.Contains(admitted, v) },
			})
		}
		return deps
	}
	u.root = depends(1 + r.IntN(3))
	for i := range packages {
		for _, v := range u.listing(name(i)).Versions {
			release := Release{Depends: depends(r.IntN(3))}
			if r.IntN(10) == 0 {
				release.Unusable = "is broken"
			}
			u.releases[name(i)+" "+v] = release
		}
	}
	return u
}

// best returns the choice of the most preferred version of everything that is
// needed, which may be no solution.
func (u *universe) best() map[string]string {
	choice := map[string]string{}
	queue := slices.Clone(u.root)
	for len(queue) > 0 {
		name := queue[0].Package
		queue = queue[1:]
		l := u.listing(name)
		if _, ok := choice[name]; ok || len(l.Versions) == 0 {
			continue
		}
		choice[name] = slices.Concat(l.Preferred, l.Versions)[0]
		queue = append(queue, u.releases[name+" "+choice[name]].Depends...)
	}
	return choice
}

// TestBruteForce compares the solver with trying everything.
func TestBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 7))
	solved, failed := 0, 0
	for n := range 20000 {
		u := random(r)
		solution, err := u.solve()
		found, _ := u.search(1 << 20)
		var failure *Failure
		switch {
		case err == nil && found == nil:
			t.Fatalf("universe %d: solved, %v, although nothing is a solution", n, solution)
		case err == nil:
			solved++
			if problem := u.check(solution); problem != "" {
				t.Fatalf("universe %d: %v: %s", n, solution, problem)
			}
			if best := u.best(); u.check(best) == "" && !maps.Equal(best, solution) {
				t.Fatalf("universe %d: %v, where all of the preferred will do: %v", n, solution, best)
			}
		case !errors.As(err, &failure):
			t.Fatalf("universe %d: %v", n, err)
		case found != nil:
			t.Fatalf("universe %d: %v is a solution, but:\n%s", n, found, failure.Proof())
		default:
			failed++
			if problem := unsound(failure); problem != "" {
				t.Fatalf("universe %d: %s:\n%s", n, problem, failure.Proof())
			}
		}
	}
	if solved < 5000 || failed < 5000 {
		t.Errorf("%d solved, %d failed: too few of one kind to mean anything", solved, failed)
	}
}
