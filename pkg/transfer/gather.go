package transfer

import (
	"context"
	"encoding/json"
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
	limit     limiter
	roots     []root
	all       bool // every version of the repository
	sparse    bool // platforms only, and what want names
	platforms []artifact.Platform
	want      map[digest.Digest]bool

	mu       sync.Mutex
	nodes    map[digest.Digest]*node
	busy     map[digest.Digest]bool
	problems []Problem
}

// document is what counts of an index or manifest, whichever it is.
type document struct {
	MediaType string               `json:"mediaType"`
	Config    *ocispec.Descriptor  `json:"config"`
	Layers    []ocispec.Descriptor `json:"layers"`
	Manifests []ocispec.Descriptor `json:"manifests"`
	Subject   *ocispec.Descriptor  `json:"subject"`
}

// visit reads a manifest, all that it lists and all that refers to it.
func (g *gatherer) visit(ctx context.Context, d digest.Digest) error {
	g.mu.Lock()
	twice := g.busy[d]
	g.busy[d] = true
	g.mu.Unlock()
	if twice {
		return nil
	}
	var n *node
	if err := g.limit.do(ctx, func() (err error) { n, err = g.read(ctx, d); return err }); err != nil {
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
		if p := m.Platform; p != nil && !g.want[m.Digest] {
			platform, err := artifact.ParsePlatform(strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/"))
			if err == nil && !g.wanted(platform) {
				n.Sparse = true
				continue
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
	for _, l := range doc.Layers {
		title, _, _ := strings.Cut(l.Annotations[ocispec.AnnotationTitle], ".")
		if _, p, ok := artifact.CutPlatform(title); ok && !g.want[l.Digest] && !g.wanted(p) && !strings.HasSuffix(l.Annotations[ocispec.AnnotationTitle], ".sha256") {
			n.Sparse = true
			continue
		}
		n.blobs = append(n.blobs, l)
	}
}

func (g *gatherer) problem(subject string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.problems = append(g.problems, Problem{g.name, subject, err})
}
