package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// gatherer follows the graphs of one repository. Every manifest is visited once.
type gatherer struct {
	repo      registry.Repository
	name      string
	plugin    string // the first that is from here
	limit     limiter
	roots     []root
	all       bool // every version of the repository
	tags      bool // each platform's own tags too
	sparse    bool // platforms only, and what want names
	platforms []artifact.Platform
	want      map[digest.Digest]bool

	mu       sync.Mutex
	nodes    map[digest.Digest]*node
	busy     map[digest.Digest]bool
	gone     map[digest.Digest]error // why there is no node
	problems []Problem
}

func newGatherer(repo registry.Repository, limit limiter) *gatherer {
	return &gatherer{
		repo: repo, name: repo.Name(), limit: limit,
		nodes: map[digest.Digest]*node{}, busy: map[digest.Digest]bool{}, gone: map[digest.Digest]error{}, want: map[digest.Digest]bool{},
	}
}

// document is what counts of an index or manifest, whichever it is.
type document struct {
	MediaType string               `json:"mediaType"`
	Config    *ocispec.Descriptor  `json:"config"`
	Layers    []ocispec.Descriptor `json:"layers"`
	Manifests []ocispec.Descriptor `json:"manifests"`
	Subject   *ocispec.Descriptor  `json:"subject"`
}

// visit reads a manifest, all that it lists and all that refers to it. Whether
// something that is not there matters is for lacks to tell, when all has been
// read.
func (g *gatherer) visit(ctx context.Context, d digest.Digest) error {
	g.mu.Lock()
	twice := g.busy[d]
	g.busy[d] = true
	g.mu.Unlock()
	if twice {
		return nil
	}
	var n *node
	err := g.limit.do(ctx, func() (err error) { n, err = g.read(ctx, d); return err })
	if errors.Is(err, artifact.ErrNotFound) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.gone[d] = err
		return nil
	}
	if err != nil {
		return err
	}
	if err := g.referring(ctx, n); err != nil {
		return err
	}
	g.mu.Lock()
	g.nodes[d] = n
	g.mu.Unlock()
	return all(len(n.children), func(i int) error { return g.visit(ctx, n.children[i]) })
}

// lacks returns why not all is there that a visited manifest leads to.
func (g *gatherer) lacks(d digest.Digest) error {
	n := g.nodes[d]
	if n == nil {
		return g.gone[d]
	}
	for _, c := range n.children {
		if err := g.lacks(c); err != nil {
			return err
		}
	}
	return nil
}

// read reads one manifest. Layers are blobs whatever media type they bear: a
// metadata layer can bear an index's and be a plain file.
func (g *gatherer) read(ctx context.Context, d digest.Digest) (*node, error) {
	desc, data, err := g.repo.Manifest(ctx, d.String())
	if err != nil {
		return nil, err
	}
	var doc document
	if json.Unmarshal(data, &doc) != nil {
		return nil, &artifact.FormatError{Subject: g.name + "@" + d.String(), Problem: "does not parse"}
	}
	n := &node{Manifest: Manifest{Desc: ocispec.Descriptor{MediaType: desc.MediaType, Digest: desc.Digest, Size: desc.Size}, Data: data}}
	if doc.Subject != nil {
		n.Subject = doc.Subject.Digest
	}
	switch {
	case artifact.IsIndex(desc.MediaType):
		g.list(n, doc)
	case artifact.IsManifest(desc.MediaType):
		g.layers(n, doc)
	default:
		return nil, &artifact.FormatError{Subject: g.name + "@" + d.String(), Problem: "is neither a manifest nor an index, but " + desc.MediaType}
	}
	return n, nil
}

// list takes over what an index lists. A platform that is left out is left out
// as a whole; what is for no platform at all, such as attestations, never is.
func (g *gatherer) list(n *node, doc document) {
	for _, m := range doc.Manifests {
		if !artifact.IsIndex(m.MediaType) && !artifact.IsManifest(m.MediaType) {
			n.blobs = append(n.blobs, m)
			continue
		}
		if p := m.Platform; p != nil {
			platform, err := artifact.ParsePlatform(strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/"))
			if err == nil && !g.want[m.Digest] && !g.wanted(platform) {
				n.Sparse = true
				continue
			}
			if err == nil {
				n.platforms = append(n.platforms, platform)
			}
		}
		n.children = append(n.children, m.Digest)
	}
}

// layers takes over a manifest's config and layers, but for the archives of
// platforms that are left out.
func (g *gatherer) layers(n *node, doc document) {
	if doc.Config != nil && doc.Config.Digest != "" {
		n.blobs = append(n.blobs, *doc.Config)
	}
	kept := false
	for _, l := range doc.Layers {
		title, _, _ := strings.Cut(l.Annotations[ocispec.AnnotationTitle], ".")
		_, p, ok := artifact.CutPlatform(title)
		archive := ok && !strings.HasSuffix(l.Annotations[ocispec.AnnotationTitle], ".sha256")
		if archive && !g.want[l.Digest] && !g.wanted(p) {
			n.Sparse = true
			continue
		}
		kept = kept || archive
		n.blobs = append(n.blobs, l)
	}
	n.foreign = n.Sparse && !kept
}

func (g *gatherer) problem(subject string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.problems = append(g.problems, Problem{g.name, subject, err})
}
