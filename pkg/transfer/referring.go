package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// legacySuffixes are those of the tags sha256-HEX.SUFFIX under which cosign 1
// and 2 keep what belongs to a digest.
func legacySuffixes() []string { return []string{".att", ".sbom", ".sig"} }

// referring finds what refers to a manifest, and visits it: referrers by the
// API or the fallback tag, which can name some that the API does not, and the
// older tags. What a mirror lacks whose origin is out of reach is not there.
func (g *gatherer) referring(ctx context.Context, n *node, p place) error {
	found, err := g.referrers(ctx, n)
	if err != nil {
		return err
	}
	tag := artifact.ReferrersTag(n.Desc.Digest)
	n.legacy = map[string]digest.Digest{}
	if n.Subject != "" && !g.want[n.Desc.Digest] { // what refers to something is newer than the older tags
		return g.follow(ctx, n, found, p)
	}
	var mu sync.Mutex
	names := append(legacySuffixes(), "")
	err = each(ctx, g.limit, len(names), func(ctx context.Context, i int) error {
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
	return g.follow(ctx, n, found, p)
}

// referrers asks who refers to a manifest.
func (g *gatherer) referrers(ctx context.Context, n *node) (list []ocispec.Descriptor, err error) {
	err = g.limit.Do(ctx, func() error {
		list, err = g.repo.Referrers(ctx, n.Desc.Digest)
		return err
	})
	if errors.As(err, new(*registry.LimitError)) {
		return nil, &LimitError{g.name, n.Desc.Digest.String(), fmt.Sprintf("%d referrers", registry.MaxReferrers)}
	}
	if errors.Is(err, artifact.ErrNotFound) {
		return nil, nil
	}
	return list, err
}

// unlessGone drops an error that says that something is nowhere to be had.
func unlessGone(err error) error {
	if isGone(err) {
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
	index, err := artifact.ParseDocument(g.name+":"+tag, desc.MediaType, data)
	if err != nil {
		return nil, err
	}
	return index.Manifests, nil
}

// follow visits what was found to refer to n.
func (g *gatherer) follow(ctx context.Context, n *node, found []ocispec.Descriptor, p place) error {
	for _, d := range found {
		if d.Digest != n.Desc.Digest {
			n.candidates = append(n.candidates, d.Digest)
		}
	}
	slices.Sort(n.candidates)
	n.candidates = slices.Compact(n.candidates)
	maps.DeleteFunc(n.legacy, func(_ string, d digest.Digest) bool { return d == n.Desc.Digest })
	return g.visitAll(ctx, append(slices.Clone(n.candidates), slices.Collect(maps.Values(n.legacy))...), p.below())
}

// relate joins what refers to something with that, when everything has been
// read. What has another subject than it is listed under is a problem of the
// source.
func (g *gatherer) relate() {
	for _, n := range g.nodes {
		for _, d := range n.candidates {
			switch r := g.nodes[d]; {
			case g.missing(d) != nil:
				g.problem(d.String(), errors.New("refers to "+n.Desc.Digest.String()+", and is not there"))
			case r.Subject == n.Desc.Digest:
				n.referrers = append(n.referrers, d)
			default:
				g.problem(d.String(), errors.New("is listed as referring to "+n.Desc.Digest.String()+", and does not"))
			}
		}
		for tag, d := range n.legacy {
			if err := g.missing(d); err != nil {
				g.problem(tag, err)
				delete(n.legacy, tag)
				continue
			}
			g.nodes[d].Tags = append(g.nodes[d].Tags, tag)
		}
	}
}
