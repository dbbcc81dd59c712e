package pubgrub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
)

// scale is a universe of many packages with many versions: each version of a
// package depends on two later packages, in a window of versions around its
// own, so that choices bear on each other.
type scale struct {
	versions []string // newest first
	number   map[string]int
	packages int
	window   int
	first    []string // by package, the version to prefer
	host     int      // from this version on, each needs a newer host than there is
}

func newScale(packages, versions int) *scale {
	s := &scale{number: map[string]int{}, packages: packages, window: versions / 10, host: versions + 1}
	for v := versions; v > 0; v-- {
		text := "1." + strconv.Itoa(v) + ".0"
		s.versions = append(s.versions, text)
		s.number[text] = v
	}
	return s
}

func (s *scale) Versions(_ context.Context, pkg string) (Listing, error) {
	if pkg == "host" {
		return Listing{Versions: []string{"1.0.0"}}, nil
	}
	l := Listing{Versions: s.versions}
	if s.first != nil {
		n, err := strconv.Atoi(pkg)
		if err != nil {
			return Listing{}, err
		}
		l.Preferred = s.first[n : n+1]
	}
	return l, nil
}

func (s *scale) Release(_ context.Context, pkg, version string) (Release, error) {
	if pkg == "host" {
		return Release{}, nil
	}
	n, err := strconv.Atoi(pkg)
	if err != nil {
		return Release{}, err
	}
	var r Release
	if v := s.number[version]; v >= s.host {
		wants := strconv.Itoa(2 + v/50)
		r.Depends = append(r.Depends, Dependency{Package: "host", Text: ">=" + wants, Admits: func(string) bool { return false }})
	}
	for _, to := range []int{n + 1, 2*n + 1} {
		if to < s.packages {
			r.Depends = append(r.Depends, s.within(to, s.number[version], s.window))
		}
	}
	return r, nil
}

// within depends on versions that are at most window away from one.
func (s *scale) within(to, version, window int) Dependency {
	low, high := version-window, version+window
	return Dependency{
		Package: strconv.Itoa(to), Text: fmt.Sprintf(">=1.%d.0 <=1.%d.0", low, high),
		Admits: func(v string) bool { return s.number[v] >= low && s.number[v] <= high },
	}
}

// everything is a root that depends on all packages.
func (s *scale) everything() Root {
	root := Root{Name: "the manifest"}
	for n := range s.packages {
		root.Depends = append(root.Depends, Dependency{Package: strconv.Itoa(n)})
	}
	return root
}

// BenchmarkNewest grows packages and versions apart from each other, so that
// the figures tell how the time grows with either.
func BenchmarkNewest(b *testing.B) {
	for _, size := range [][2]int{{50, 500}, {100, 500}, {200, 125}, {200, 250}, {200, 500}, {400, 500}} {
		s := newScale(size[0], size[1])
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), s.bench)
	}
}

// BenchmarkHost has half of all versions need a newer host than there is, so
// that the solver walks past them, one after the other.
func BenchmarkHost(b *testing.B) {
	for _, size := range [][2]int{{50, 500}, {100, 500}, {200, 125}, {200, 250}, {200, 500}} {
		s := newScale(size[0], size[1])
		s.host = size[1] / 2
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), s.bench)
	}
}

// BenchmarkAtOdds prefers versions at random, so that nearly every choice is
// at odds with one made before it: worse than any lock, which was once a
// solution.
func BenchmarkAtOdds(b *testing.B) {
	for _, size := range [][2]int{{25, 125}, {50, 125}, {100, 125}, {50, 250}} {
		s := newScale(size[0], size[1])
		r := rand.New(rand.NewPCG(1, 2))
		for range size[0] {
			s.first = append(s.first, s.versions[r.IntN(len(s.versions))])
		}
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), s.bench)
	}
}

func (s *scale) bench(b *testing.B) {
	for b.Loop() {
		if _, err := Solve(context.Background(), s, s.everything()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFailure proves that the last package, held to its oldest version,
// does not go with the first, held to its newest.
func BenchmarkFailure(b *testing.B) {
	s := newScale(200, 500)
	root := s.everything()
	root.Depends = append(root.Depends, s.within(0, 500, 0), s.within(199, 1, 0))
	b.Run("200x500", func(b *testing.B) {
		for b.Loop() {
			_, err := Solve(context.Background(), s, root)
			var failure *Failure
			if !errors.As(err, &failure) || failure.Proof() == "" {
				b.Fatal(err)
			}
		}
	})
}
