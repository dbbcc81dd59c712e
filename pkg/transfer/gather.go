package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// gatherer follows the graphs of one repository. Every manifest is visited once.
type gatherer struct {
	repo      registry.Repository
	name      string
	plugin    string // the first that is from here
	limit     parallel.Limit
	roots     []root
	all       bool // every version of the repository
	tags      bool // each platform's own tags too
	sparse    bool // platforms only, and what want names
	both      bool // of a platform that an index offers twice not only the one that want names
	platforms []artifact.Platform
	want      map[digest.Digest]bool

	mu       sync.Mutex
	nodes    map[digest.Digest]*node
	busy     map[digest.Digest]bool
	budgets  map[string]*budget      // by release
	gone     map[digest.Digest]error // why there is no node
	problems []Problem
}

func newGatherer(repo registry.Repository, limit parallel.Limit) *gatherer {
	return &gatherer{
		repo: repo, name: repo.Name(), limit: limit,
		nodes: map[digest.Digest]*node{}, busy: map[digest.Digest]bool{}, budgets: map[string]*budget{}, gone: map[digest.Digest]error{}, want: map[digest.Digest]bool{},
	}
}

// What is carried of one release: anybody who may push can let manifests refer to
// it without end.
const (
	maxManifests = 1000
	maxBytes     = 64 << 20 // of these manifests
	maxDepth     = 16       // of what lists, or refers to, what lists or refers
)

// budget is what has been found of one release.
type budget struct {
	manifests int
	bytes     int64
}

// place is where in a release's graph a manifest was found.
type place struct {
	release string
	depth   int
}

func (p place) below() place { return place{p.release, p.depth + 1} }

// charge counts manifests and bytes of a release, and refuses what is too much.
func (g *gatherer) charge(p place, manifests, bytes int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.budgets[p.release]
	if b == nil {
		b = &budget{}
		g.budgets[p.release] = b
	}
	b.manifests += manifests
	b.bytes += int64(bytes)
	switch {
	case b.manifests > maxManifests:
		return &LimitError{g.name, p.release, fmt.Sprintf("%d manifests", maxManifests)}
	case b.bytes > maxBytes:
		return &LimitError{g.name, p.release, fmt.Sprintf("%d MiB of manifests", maxBytes>>20)}
	case p.depth > maxDepth:
		return &LimitError{g.name, p.release, fmt.Sprintf("%d manifests that list or refer to one another", maxDepth)}
	}
	return nil
}

// visitAll visits what was found at one place. All is counted before any is
// read, so that whoever lists too much is not asked for it.
func (g *gatherer) visitAll(ctx context.Context, list []digest.Digest, p place) error {
	g.mu.Lock()
	list = slices.DeleteFunc(slices.Clone(list), func(d digest.Digest) bool {
		twice := g.busy[d]
		g.busy[d] = true
		return twice
	})
	g.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	if err := g.charge(p, len(list), 0); err != nil {
		return err
	}
	// One reason suffices: whoever lists too much would give one for each.
	return parallel.EachUntil(ctx, len(list), 0, func(i int) error { return g.visit(ctx, list[i], p) })
}

// visit reads a manifest, all that it lists and all that refers to it. Whether
// it matters that something is missing is decided by missing, when all has been
// read.
func (g *gatherer) visit(ctx context.Context, d digest.Digest, p place) error {
	var n *node
	err := g.limit.Do(ctx, func() (err error) { n, err = g.read(ctx, d); return err })
	if errors.Is(err, artifact.ErrNotFound) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.gone[d] = err
		return nil
	}
	if err != nil {
		return err
	}
	if err := g.charge(p, 0, len(n.Data)); err != nil {
		return err
	}
	if err := g.referring(ctx, n, p); err != nil {
		return err
	}
	g.mu.Lock()
	g.nodes[d] = n
	g.mu.Unlock()
	return g.visitAll(ctx, n.children, p.below())
}

// missing returns the error for the first thing that a visited manifest leads to and
// that is not there; nil if all is.
func (g *gatherer) missing(d digest.Digest) error {
	n := g.nodes[d]
	if n == nil {
		return g.gone[d]
	}
	if n.asked { // some list one thing over and over again
		return n.missing
	}
	n.asked = true
	for _, c := range n.children {
		if n.missing = g.missing(c); n.missing != nil {
			break
		}
	}
	return n.missing
}

// read reads one manifest. Layers are blobs whatever their media type: a
// metadata layer can have an index's and be a plain file.
func (g *gatherer) read(ctx context.Context, d digest.Digest) (*node, error) {
	desc, data, err := g.repo.Manifest(ctx, d.String())
	if err != nil {
		return nil, err
	}
	doc, err := artifact.ParseDocument(g.name+"@"+d.String(), desc.MediaType, data)
	if err != nil {
		return nil, err
	}
	n := &node{Manifest: Manifest{Desc: ocispec.Descriptor{MediaType: desc.MediaType, Digest: desc.Digest, Size: desc.Size}, Data: data}}
	if doc.Subject != nil {
		n.Subject = doc.Subject.Digest
	}
	if doc.IsIndex() {
		g.list(n, doc)
	} else {
		g.layers(n, doc)
	}
	return n, nil
}

// list takes over what an index lists. A platform that is left out is left out
// as a whole; what is for no platform at all, such as attestations, never is.
func (g *gatherer) list(n *node, doc *artifact.Document) {
	for _, m := range doc.Manifests {
		if !artifact.IsIndex(m.MediaType) && !artifact.IsManifest(m.MediaType) {
			n.blobs = append(n.blobs, m)
			continue
		}
		if p := m.Platform; p != nil {
			platform, err := artifact.ParsePlatform(strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/"))
			if err == nil && !g.want[m.Digest] && (!g.wanted(platform) || g.packedOtherwise(m, doc)) {
				n.Sparse = true
				continue
			}
			if err == nil && !slices.Contains(n.platforms, platform) {
				n.platforms = append(n.platforms, platform)
			}
		}
		n.children = append(n.children, m.Digest)
	}
}

// packedOtherwise reports whether an entry is one for a platform of which the
// other compression is wanted, and not both.
func (g *gatherer) packedOtherwise(entry ocispec.Descriptor, index *artifact.Document) bool {
	twin, ok := index.Twin(entry)
	return ok && g.sparse && !g.both && g.want[twin.Digest]
}

// layers takes over a manifest's config and layers, but for the archives of
// platforms that are left out.
func (g *gatherer) layers(n *node, doc *artifact.Document) {
	if doc.Config.Digest != "" {
		n.blobs = append(n.blobs, doc.Config)
	}
	kept := false
	for _, l := range doc.Layers {
		file := artifact.FileName(l)
		title, _, _ := strings.Cut(file, ".")
		_, p, ok := artifact.CutPlatform(title)
		archive := ok && !strings.HasSuffix(file, ".sha256")
		if archive && !g.want[l.Digest] && !g.wanted(p) {
			n.Sparse = true
			continue
		}
		kept = kept || archive
		n.blobs = append(n.blobs, l)
	}
	n.unwanted = n.Sparse && !kept
}

func (g *gatherer) problem(subject string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.problems = append(g.problems, Problem{g.name, subject, err})
}
