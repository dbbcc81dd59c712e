package resolve

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// most is how many requests, or groups of requests for one release, are under
// way at a time.
const most = 32

// resolver knows what was asked of the registries so far.
type resolver struct {
	catalog Catalog
	o       Options
	slots   chan struct{}

	mu      sync.Mutex
	plugins map[string]*plugin
	notes   []Note
	moved   []Moved
}

func newResolver(c Catalog, o Options) *resolver {
	return &resolver{catalog: c, o: o, slots: make(chan struct{}, most), plugins: map[string]*plugin{}}
}

// request runs f when few enough others run.
func (r *resolver) request(ctx context.Context, f func() error) error {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.slots }()
	return f()
}

// judge tells why a release can never be taken, nil where it can. What others
// have to say of it, the host included, is the solver's.
func (r *resolver) judge(p *plugin, release *artifact.Release) *reason {
	if lacks := missing(r.o.Manifest.Platforms, release.Offered); len(lacks) > 0 {
		return lacking(lacks)
	}
	// What a digest names was chosen by a person, and what is locked was taken
	// by this rule before.
	age := r.o.Manifest.MinimumAge
	if age == 0 || p.entry.Digest != "" || p.isLocked(release) {
		return nil
	}
	switch {
	case release.Created.IsZero():
		text := "states no date, and minimum-age is " + hours(age)
		return &reason{Undated, text, text}
	case r.o.Now.Sub(release.Created) < age:
		text := "is younger than " + hours(age)
		return &reason{Age, text, text + ", of " + release.Created.UTC().Format(time.RFC3339)}
	}
	return nil
}

// isLocked tells whether a release is what p's lock entry holds.
func (p *plugin) isLocked(release *artifact.Release) bool {
	l := p.locked
	if l == nil || l.Repository != p.repository || l.Version != release.Version || l.Digest != release.Digest {
		return false
	}
	for _, b := range release.Builds {
		if q, ok := l.Platform(b.Platform); ok && q.Manifest != b.Manifest {
			return false
		}
	}
	return true
}

// where returns FILE:LINE as proofs and messages have it, "" for no place.
func where(p diag.Position) string {
	if p.Line == 0 {
		return ""
	}
	return filepath.Base(p.File) + ":" + strconv.Itoa(p.Line)
}

// each calls f for 0 to n-1 at once and joins the errors in order.
func each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return join(errs)
}

// join returns the only error as it is.
func join(errs []error) error {
	var some []error
	for _, err := range errs {
		if err != nil {
			some = append(some, err)
		}
	}
	if len(some) == 1 {
		return some[0]
	}
	return errors.Join(some...)
}
