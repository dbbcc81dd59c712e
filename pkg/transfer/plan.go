package transfer

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Open opens a repository by the name that a lock has for it.
type Open func(repository string) (registry.Repository, error)

// OpenTarget opens where a repository goes, by the name that a lock has for it.
type OpenTarget func(repository string) (registry.Target, error)

// PlanOptions say how much of a lock's graphs is carried.
type PlanOptions struct {
	// Sparse leaves out the platforms that the lock does not name.
	// Of a platform that an index offers in two compressions it leaves out the one
	// that the lock does not name, but for Both.
	Sparse bool
	// Both carries both compressions.
	Both bool
	// AllVersions names plugins of which every version is carried.
	AllVersions []string
	// PlatformTags carries the tags X.Y.Z-OS-ARCH of an index's manifests too.
	PlatformTags bool
}

// Plan reads the manifests of everything that a lock pins and of what refers to
// it, and returns a graph for each repository, sorted by its name. No blob is
// read. Errors: *GraphError, the repositories'.
func Plan(ctx context.Context, l *lockfile.Lock, open Open, o PlanOptions) ([]*Graph, error) {
	byRepository := map[string]*gatherer{}
	var order []*gatherer
	limit := parallel.NewLimit(parallelReads)
	for _, p := range l.Plugins {
		g := byRepository[p.Repository]
		if g == nil {
			repo, err := open(p.Repository)
			if err != nil {
				return nil, err
			}
			g = newGatherer(repo, limit)
			g.name, g.plugin, g.tags = p.Repository, p.Name, o.PlatformTags
			byRepository[p.Repository] = g
			order = append(order, g)
		}
		g.roots = append(g.roots, roots(p)...)
		g.all = g.all || slices.Contains(o.AllVersions, p.Name)
		for _, q := range p.Platforms {
			g.want[q.Layer] = true
			g.want[q.Manifest] = true
			if !slices.Contains(g.platforms, q.Platform) {
				g.platforms = append(g.platforms, q.Platform)
			}
		}
		if !o.Sparse {
			g.platforms = nil
		}
		g.sparse, g.both = o.Sparse, g.both || o.Both || g.all
	}
	slices.SortFunc(order, func(a, b *gatherer) int { return cmp.Compare(a.name, b.name) })
	graphs := make([]*Graph, len(order))
	err := all(len(order), func(i int) (err error) {
		graphs[i], err = order[i].graph(ctx)
		return about(order[i].plugin, err)
	})
	if err != nil {
		return nil, err
	}
	for _, p := range l.Plugins {
		if err := byRepository[p.Repository].holds(p); err != nil {
			return nil, err
		}
	}
	return graphs, nil
}

func (g *gatherer) graph(ctx context.Context) (*Graph, error) {
	locked := len(g.roots)
	if g.all {
		if err := g.versionRoots(ctx); err != nil {
			return nil, err
		}
	}
	err := all(len(g.roots), func(i int) error {
		r := g.roots[i]
		return g.visitAll(ctx, []digest.Digest{r.digest}, place{release: r.release})
	})
	if err != nil {
		return nil, err
	}
	g.relate()
	var from []digest.Digest
	for i, r := range g.roots {
		err := g.missing(r.digest)
		if err != nil && i < locked {
			return nil, err
		}
		if err != nil { // one of many versions, and none that is locked
			g.problem(r.tag, err)
			continue
		}
		n := g.nodes[r.digest]
		if n.unwanted && i >= locked { // the bare tag of the tags layout stands for one platform
			continue
		}
		from = append(from, r.digest)
		if r.tag != "" {
			n.Tags = append(n.Tags, r.tag)
		}
	}
	if g.tags {
		if err := g.platformTags(ctx, g.roots[:locked]); err != nil {
			return nil, err
		}
	}
	out := &Graph{Repository: g.name, Problems: g.problems, plugin: g.plugin}
	slices.SortFunc(out.Problems, func(a, b Problem) int { return cmp.Compare(a.Subject, b.Subject) })
	out.Manifests, out.Blobs = order(g.nodes, from)
	return out, nil
}

// holds checks that what a lock would install is in the graph.
func (g *gatherer) holds(p lockfile.Plugin) error {
	for _, q := range p.Platforms {
		n := g.nodes[q.Manifest]
		if n == nil {
			return &GraphError{p.Name, p.Repository, q.Manifest, "is not what the locked digest leads to for " + q.Platform.String()}
		}
		if !slices.ContainsFunc(n.blobs, func(b ocispec.Descriptor) bool { return b.Digest == q.Layer && b.Size == q.Size }) {
			return &GraphError{p.Name, p.Repository, q.Layer, "is not a layer of the locked manifest for " + q.Platform.String() + ", or not of the locked size"}
		}
	}
	return nil
}

// wanted reports whether a platform's part of a graph is carried.
func (g *gatherer) wanted(p artifact.Platform) bool {
	return !g.sparse || slices.Contains(g.platforms, p)
}

const (
	parallelReads = 8
	parallelBlobs = 4
)

// each runs f for 0 to n-1, in the places there are, and returns all errors in
// order.
func each(ctx context.Context, l parallel.Limit, n int, f func(ctx context.Context, i int) error) error {
	return all(n, func(i int) error { return l.Do(ctx, func() error { return f(ctx, i) }) })
}

// all runs f for 0 to n-1 at once; f waits for places itself.
func all(n int, f func(i int) error) error {
	return errors.Join(parallel.Errors(context.Background(), n, 0, f)...)
}
