package transfer

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// root is a manifest or index from which a graph is followed.
type root struct {
	digest digest.Digest
	name   string // in a bundle: NAME-VERSION or NAME-VERSION-OS-ARCH
	tag    string // in its repository, "" for none

	release string // of which it is a part
}

// roots returns what an entry of a lock pins: its digest, and in the tags layout
// each platform's manifest. If the tags layout has no bare tag, the first
// platform's manifest stands for it in a bundle.
func roots(p lockfile.Plugin) (out []root) {
	name := p.Name + "-" + label(p)
	bare := root{p.Digest, name, p.Tag, name}
	for _, q := range p.Platforms {
		if q.Tag == "" {
			continue
		}
		if bare.digest == "" {
			bare = root{q.Manifest, name, q.Tag, name}
		}
		out = append(out, root{q.Manifest, name + "-" + q.Platform.Suffix(), q.Tag, name})
	}
	return append([]root{bare}, out...)
}

// label is what stands behind a plugin's name in a bundle: its version, + as _;
// if none is stated its tag, else the start of its digest.
func label(p lockfile.Plugin) string {
	if p.Version != "" {
		return strings.ReplaceAll(p.Version, "+", "_")
	}
	hex := strings.TrimPrefix(p.Digest.String(), "sha256:")
	return cmp.Or(p.Tag, hex[:min(12, len(hex))])
}

// Restrict returns the part of a lock that is for some platforms; nil stands for
// all of it. An entry that serves none of them keeps none.
func Restrict(l *lockfile.Lock, platforms []artifact.Platform) *lockfile.Lock {
	out := l.Clone()
	if platforms == nil {
		return out
	}
	for i := range out.Plugins {
		p := &out.Plugins[i]
		p.Platforms = slices.DeleteFunc(p.Platforms, func(q lockfile.Platform) bool {
			return !slices.Contains(platforms, q.Platform)
		})
	}
	return out
}

// versionRoots adds every tag of the repository that names a version, for all
// platforms or for one that is wanted.
func (g *gatherer) versionRoots(ctx context.Context) error {
	var out []root
	err := g.repo.Tags(ctx, func(page []string) error {
		for _, name := range page {
			if tag, ok := artifact.ParseTag(name); ok && (tag.Platform.IsZero() || g.wanted(tag.Platform)) {
				out = append(out, root{tag: name, release: tag.Version.String()})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(out, func(a, b root) int { return cmp.Compare(a.tag, b.tag) })
	err = each(ctx, g.limit, len(out), func(ctx context.Context, i int) error {
		desc, err := g.repo.Resolve(ctx, out[i].tag)
		out[i].digest = desc.Digest
		if errors.Is(err, artifact.ErrNotFound) {
			g.problem(out[i].tag, err)
			return nil
		}
		return err
	})
	g.roots = append(g.roots, slices.DeleteFunc(out, func(r root) bool { return r.digest == "" })...)
	return err
}

// platformTags finds the tags X.Y.Z-OS-ARCH that stand for a part of an index,
// as publishers set them beside X.Y.Z.
func (g *gatherer) platformTags(ctx context.Context, roots []root) error {
	var tags []string
	for _, r := range roots {
		for _, p := range g.nodes[r.digest].platforms {
			if r.tag != "" {
				tags = append(tags, r.tag+"-"+p.Suffix())
			}
		}
	}
	return each(ctx, g.limit, len(tags), func(ctx context.Context, i int) error {
		desc, err := g.repo.Resolve(ctx, tags[i])
		if err != nil {
			return unlessGone(err)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if n := g.nodes[desc.Digest]; n != nil {
			n.Tags = append(n.Tags, tags[i])
		}
		return nil
	})
}
