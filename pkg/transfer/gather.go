package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
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

// legacySuffixes are those of the tags sha256-HEX.SUFFIX under which cosign 1
// and 2 keep what belongs to a digest.
func legacySuffixes() []string { return []string{".att", ".sbom", ".sig"} }

// referring finds what refers to a manifest, and visits it: referrers by the
// API or the fallback tag, which can name some that the API does not, and the
// older tags. What a mirror lacks whose origin is out of reach is not there.
func (g *gatherer) referring(ctx context.Context, n *node) error {
	found, err := g.referrers(ctx, n)
	if err != nil {
		return err
	}
	tag := strings.Replace(n.Desc.Digest.String(), ":", "-", 1)
	n.legacy = map[string]digest.Digest{}
	var mu sync.Mutex
	names := append(legacySuffixes(), "")
	err = g.limit.each(ctx, len(names), func(ctx context.Context, i int) error {
		if names[i] == "" {
			list, err := g.fallback(ctx, tag, n.Desc.Digest)
			mu.Lock()
			defer mu.Unlock()
			found = append(found, list...)
			return unlessGone(err)
		}
		desc, err := g.repo.Resolve(ctx, tag+names[i])
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			n.legacy[tag+names[i]] = desc.Digest
		}
		return unlessGone(err)
	})
	if err != nil {
		return err
	}
	return g.follow(ctx, n, found)
}

// referrers asks who refers to a manifest. That there are more than are read is
// a problem and no end.
func (g *gatherer) referrers(ctx context.Context, n *node) (list []ocispec.Descriptor, err error) {
	err = g.limit.do(ctx, func() error {
		list, err = g.repo.Referrers(ctx, n.Desc.Digest)
		return err
	})
	var more *registry.LimitError
	if errors.As(err, &more) {
		g.problem(n.Desc.Digest.String(), more)
		return list, nil
	}
	if errors.Is(err, artifact.ErrNotFound) {
		return nil, nil
	}
	return list, err
}

// unlessGone drops an error that says that something is nowhere to be had.
func unlessGone(err error) error {
	if errors.Is(err, artifact.ErrNotFound) || errors.As(err, new(*registry.LackedError)) {
		return nil
	}
	return err
}

// fallback reads the index under the fallback tag. Some registries answer with
// the subject itself.
func (g *gatherer) fallback(ctx context.Context, tag string, subject digest.Digest) ([]ocispec.Descriptor, error) {
	desc, err := g.repo.Resolve(ctx, tag)
	if err != nil || desc.Digest == subject || !artifact.IsIndex(desc.MediaType) {
		return nil, err
	}
	_, data, err := g.repo.Manifest(ctx, desc.Digest.String())
	if err != nil {
		return nil, err
	}
	var index ocispec.Index
	if json.Unmarshal(data, &index) != nil {
		g.problem(tag, errors.New("does not parse"))
	}
	return index.Manifests, nil
}

// follow visits what was found to refer to n. What is listed and gone, or bears
// another subject, is a problem of the source and told as one.
func (g *gatherer) follow(ctx context.Context, n *node, found []ocispec.Descriptor) error {
	var list []digest.Digest
	for _, d := range found {
		if d.Digest.Validate() == nil && d.Digest != n.Desc.Digest {
			list = append(list, d.Digest)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	err := all(len(list), func(i int) error { return g.related(ctx, n, list[i]) })
	if err != nil {
		return err
	}
	for _, d := range list {
		if r := g.node(d); r != nil && r.Subject == n.Desc.Digest {
			n.referrers = append(n.referrers, d)
		} else if r != nil {
			g.problem(d.String(), errors.New("is listed as referring to "+n.Desc.Digest.String()+", and does not"))
		}
	}
	for tag, d := range n.legacy {
		if d == n.Desc.Digest {
			delete(n.legacy, tag)
			continue
		}
		if err := g.related(ctx, n, d); err != nil {
			return err
		}
		if r := g.node(d); r != nil {
			g.mu.Lock()
			r.Tags = append(r.Tags, tag)
			g.mu.Unlock()
		}
	}
	return nil
}

func (g *gatherer) related(ctx context.Context, n *node, d digest.Digest) error {
	err := g.visit(ctx, d)
	if errors.Is(err, artifact.ErrNotFound) {
		g.problem(d.String(), errors.New("refers to "+n.Desc.Digest.String()+", and is not there"))
		return nil
	}
	return err
}

func (g *gatherer) node(d digest.Digest) *node {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.nodes[d]
}

func (g *gatherer) problem(subject string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.problems = append(g.problems, Problem{g.name, subject, err})
}
