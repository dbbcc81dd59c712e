package resolve

import (
	"cmp"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/duration"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// most is how many requests, or groups of requests for one release, are under
// way at a time.
const most = 32

// resolver knows what was asked of the registries so far.
type resolver struct {
	catalog Catalog
	o       Options
	limit   parallel.Limit

	mu       sync.Mutex
	plugins  map[string]*plugin
	notes    []Note
	warnings []error
	moved    []Moved
}

func newResolver(c Catalog, o Options) *resolver {
	return &resolver{catalog: c, o: o, limit: parallel.NewLimit(most), plugins: map[string]*plugin{}}
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
		text := "states no date, and minimum-age is " + duration.Format(age)
		return &reason{Undated, text, text}
	case r.o.Now.Sub(release.Created) < age:
		text := "is younger than " + duration.Format(age)
		return &reason{Age, text, text + ", of " + release.Created.UTC().Format(time.RFC3339)}
	}
	return nil
}

// isLocked tells whether a release is what p's lock entry holds.
func (p *plugin) isLocked(release *artifact.Release) bool {
	l := cmp.Or(p.relocated, p.locked)
	if l == nil || l == p.locked && l.Repository != p.repository || l.Version != release.Version || l.Digest != release.Digest {
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
