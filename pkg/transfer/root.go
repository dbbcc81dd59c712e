package transfer

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// root is a manifest or index from which a graph is followed.
type root struct {
	digest digest.Digest
	name   string // in a bundle: NAME-VERSION or NAME-VERSION-OS-ARCH
	tag    string // in its repository, "" for none
}

// roots returns what an entry of a lock pins: its digest, and in the tags layout
// each platform's manifest. Where the tags layout has no bare tag, the first
// platform's manifest stands for it in a bundle.
func roots(p lockfile.Plugin) (out []root) {
	name := p.Name + "-" + label(p)
	bare := root{p.Digest, name, p.Tag}
	for _, q := range p.Platforms {
		if q.Tag == "" {
			continue
		}
		if bare.digest == "" {
			bare = root{q.Manifest, name, q.Tag}
		}
		out = append(out, root{q.Manifest, name + "-" + q.Platform.Suffix(), q.Tag})
	}
	return append([]root{bare}, out...)
}

// label is what stands behind a plugin's name in a bundle: its version, + as _;
// where none is stated its tag, else the begin of its digest.
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

// versionRoots returns every tag of a repository that names a version.
func versionRoots(ctx context.Context, repo registry.Repository, limit limiter) ([]root, error) {
	var out []root
	err := repo.Tags(ctx, func(page []string) error {
		for _, tag := range page {
			if _, ok := artifact.ParseTag(tag); ok {
				out = append(out, root{tag: tag})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b root) int { return cmp.Compare(a.tag, b.tag) })
	return out, limit.each(ctx, len(out), func(ctx context.Context, i int) error {
		desc, err := repo.Resolve(ctx, out[i].tag)
		out[i].digest = desc.Digest
		return err
	})
}
