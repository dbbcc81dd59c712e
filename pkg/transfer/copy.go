package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// CopyOptions change what Copy does.
type CopyOptions struct {
	DryRun bool // ask only, and report what would be sent
	// HostTags is a lock whose drivers get the tags too under which the host asks
	// for them, as far as they belong to the locked version among those of the target
	// (artifact.HostTags); nil: none does.
	HostTags *lockfile.Lock
	Events   func(Event)
}

// Copied is what became of one graph.
type Copied struct {
	Repository string    // where it comes from
	Target     string    // where it went
	Tags       []string  // that it has there, sorted
	Manifests  int       // sent
	Blobs      int       // sent
	Bytes      int64     // sent
	There      int       // manifests and blobs that needed no sending
	Refused    []Problem // floating tags that the target would not set, which takes nothing from what is locked
	Problems   []Problem
}

// Copy sends graphs to other repositories, what is missing there and nothing
// else, some blobs at a time. to opens the target of a repository. One graph
// that fails keeps no other from being copied. Errors, joined: the
// repositories'.
func Copy(ctx context.Context, graphs []*Graph, from Open, to OpenTarget, o CopyOptions) ([]Copied, error) {
	out := make([]Copied, len(graphs))
	blobs, reads := parallel.NewLimit(parallelBlobs), parallel.NewLimit(parallelReads)
	err := all(len(graphs), func(i int) error {
		g := graphs[i]
		source, err := from(g.Repository)
		if err != nil {
			return err
		}
		target, err := to(g.Repository)
		if err != nil {
			return err
		}
		c := &copier{source: source, target: target, o: o, out: &out[i], blobs: blobs, reads: reads}
		out[i] = Copied{Repository: g.Repository, Target: target.Name()}
		return g.about(c.copy(ctx, g))
	})
	return out, err
}

// copier sends one graph.
type copier struct {
	source       registry.Repository
	target       registry.Target
	o            CopyOptions
	blobs, reads parallel.Limit

	mu   sync.Mutex
	out  *Copied
	lost []*lostError
}

func (c *copier) copy(ctx context.Context, g *Graph) error {
	err := each(ctx, c.blobs, len(g.Blobs), func(ctx context.Context, i int) error { return c.blob(ctx, g.Blobs[i]) })
	if err != nil {
		return err // a registry refuses manifests whose blobs it lacks
	}
	for _, lost := range c.lost {
		less := g.without(lost)
		if less == nil {
			return lost
		}
		g = less
	}
	if g, err = c.hostTags(ctx, g); err != nil {
		return err
	}
	c.out.Problems = slices.Clone(g.Problems)
	there := make([]bool, len(g.Manifests))
	err = each(ctx, c.reads, len(there), func(ctx context.Context, i int) (err error) {
		there[i], err = c.has(ctx, g.Manifests[i])
		return err
	})
	if err != nil {
		return err
	}
	for i, m := range g.Manifests {
		if err := c.manifest(ctx, m, there[i]); err != nil {
			return err
		}
	}
	slices.Sort(c.out.Tags)
	return nil
}

// hostTags returns the graph with the host's tags on the manifests of locked
// platforms.
func (c *copier) hostTags(ctx context.Context, g *Graph) (*Graph, error) {
	if c.o.HostTags == nil {
		return g, nil
	}
	tags, err := registry.AllTags(ctx, c.target)
	if err != nil && !errors.Is(err, artifact.ErrNotFound) {
		return nil, err
	}
	for _, m := range g.Manifests {
		tags = append(tags, m.Tags...)
	}
	with := *g
	with.Manifests = slices.Clone(g.Manifests)
	for _, p := range c.o.HostTags.Plugins {
		v, err := semver.StrictNewVersion(p.Version)
		if p.Repository != g.Repository || err != nil {
			continue
		}
		for _, q := range p.Platforms {
			readable := g.readable(q)
			i := slices.IndexFunc(with.Manifests, func(m Manifest) bool { return m.Desc.Digest == readable })
			if i >= 0 {
				m := &with.Manifests[i]
				m.Tags = append(slices.Clone(m.Tags), artifact.HostTags(tags, v, q.Platform)...)
			} else if readable != q.Manifest { // a bundle has what is locked alone
				with.Problems = append(slices.Clone(with.Problems), Problem{g.Repository, p.Version + " for " + q.Platform.String(),
					errors.New("has no tag for the host: only what is packed with zstd was carried, which the host cannot read")})
			}
		}
	}
	return &with, nil
}

// readable returns the manifest that the host can read of a locked platform: the
// one packed with gzip, where an index offers both.
func (g *Graph) readable(q lockfile.Platform) digest.Digest {
	for _, m := range g.Manifests {
		index, err := artifact.ParseDocument("", m.Desc.MediaType, m.Data)
		if err != nil {
			continue
		}
		for _, d := range index.Manifests {
			if gzip, ok := index.Twin(d); ok && d.Digest == q.Manifest && artifact.IsZstd(d) {
				return gzip.Digest
			}
		}
	}
	return q.Manifest
}

// blob sends one blob, straight from source to target; within one registry it is
// mounted.
func (c *copier) blob(ctx context.Context, d ocispec.Descriptor) error {
	if c.o.DryRun {
		ok, err := c.target.Exists(ctx, artifact.AsBlob(d.Digest, d.Size))
		if err == nil {
			c.count(!ok, 0, 1, d.Size)
		}
		return err
	}
	var gone error // what the source said: the target can fail in the same way
	open := func(ctx context.Context) (io.ReadCloser, error) {
		rc, err := c.source.Blob(ctx, d)
		if isGone(err) {
			gone = err
		}
		return rc, err
	}
	way, err := registry.Bring(ctx, c.target, registry.Blob{Desc: d, From: []string{c.source.Name()}, Open: open, Told: progress(d, c.o.Events)})
	if gone != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.lost = append(c.lost, &lostError{c.source.Name(), d.Digest, gone})
		return nil
	}
	if err != nil {
		return err
	}
	c.count(way == registry.Sent, 0, 1, d.Size)
	if c.o.Events != nil && way != registry.Sent {
		c.o.Events(Event{Subject: subject(d), Done: d.Size, Total: d.Size, There: true})
	}
	return nil
}

func (c *copier) count(sent bool, manifests, blobs int, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !sent {
		c.out.There += manifests + blobs
		return
	}
	c.out.Manifests += manifests
	c.out.Blobs += blobs
	c.out.Bytes += size
}

// has reports whether the target holds a manifest, and lists it if it refers
// to something: a run that was cut between the two is made good by the next.
func (c *copier) has(ctx context.Context, m Manifest) (bool, error) {
	ok, err := c.target.Exists(ctx, m.Desc)
	if err != nil || !ok || m.Subject == "" {
		return ok, err
	}
	list, err := c.target.Referrers(ctx, m.Subject)
	if errors.As(err, new(*registry.LimitError)) || errors.Is(err, artifact.ErrNotFound) {
		err = nil
	}
	return slices.ContainsFunc(list, func(d ocispec.Descriptor) bool { return d.Digest == m.Desc.Digest }), err
}

// manifest sends a manifest and sets its tags.
func (c *copier) manifest(ctx context.Context, m Manifest, there bool) error {
	var tags []string
	for _, tag := range m.Tags {
		is, err := c.tagged(ctx, tag)
		switch {
		case err != nil:
			return err
		case is == m.Desc.Digest:
			c.out.Tags = append(c.out.Tags, tag)
		case is != "" && fixed(tag):
			// It is not moved: somebody may rely on what it names there.
			c.problem(tag, fmt.Errorf("the target's tag %s names %s, not %s", tag, is, m.Desc.Digest))
		default:
			tags = append(tags, tag)
		}
	}
	if there && len(tags) == 0 {
		c.count(false, 1, 0, 0)
		return nil
	}
	if !c.o.DryRun {
		set, err := c.push(ctx, m, there, tags)
		if err != nil && m.Sparse && refused(err) {
			c.problem(fmt.Sprint(m.Desc.Digest), &SparseError{err})
			return nil
		}
		if err != nil {
			return err
		}
		tags = set
	}
	c.out.Tags = append(c.out.Tags, tags...)
	c.count(!there, 1, 0, m.Desc.Size)
	return nil
}

// push sends a manifest under its tags, and returns those that were set: a
// registry can refuse to move floating ones.
func (c *copier) push(ctx context.Context, m Manifest, there bool, tags []string) (set []string, err error) {
	for _, tag := range tags {
		err := c.target.PushManifest(ctx, m.Desc, m.Data, tag)
		switch {
		case err == nil:
			set = append(set, tag)
		case floating(tag) && registry.IsRefusal(err) && (there || len(set) > 0 || !m.Sparse):
			c.out.Refused = append(c.out.Refused, Problem{c.target.Name(), tag, err})
		default:
			return nil, err
		}
	}
	if !there && len(set) == 0 {
		return nil, c.target.PushManifest(ctx, m.Desc, m.Data)
	}
	return set, nil
}

func (c *copier) problem(subject string, err error) {
	c.out.Problems = append(c.out.Problems, Problem{c.target.Name(), subject, err})
}

// tagged returns what a tag names in the target, "" for nothing.
func (c *copier) tagged(ctx context.Context, tag string) (digest.Digest, error) {
	desc, err := c.target.Resolve(ctx, tag)
	if errors.Is(err, artifact.ErrNotFound) {
		return "", nil
	}
	return desc.Digest, err
}

// fixed reports whether a tag should always name one thing. Floating tags move,
// and so do those of signatures, which gather more of them.
func fixed(tag string) bool {
	of, _ := artifact.CutHostTag(tag)
	_, ok := artifact.ParseTag(of)
	return ok
}

// floating reports whether a tag names what a release's author moves along, and
// no signature.
func floating(tag string) bool { return !fixed(tag) && !strings.HasPrefix(tag, "sha256-") }

// refused reports whether a registry understood and would not.
func refused(err error) bool {
	var status *registry.StatusError
	return errors.As(err, &status) && status.Status < 500 || errors.Is(err, artifact.ErrNotFound)
}

// Event says how far a copy has come.
type Event struct {
	Subject string // a layer's title, else a digest
	Done    int64  // bytes
	Total   int64  // bytes
	There   bool   // the target has the blob already
}

// subject names a blob for a person.
func subject(d ocispec.Descriptor) string {
	if title := d.Annotations[ocispec.AnnotationTitle]; title != "" {
		return title
	}
	return d.Digest.String()
}

// progress tells how far the reading of a blob has come.
func progress(d ocispec.Descriptor, events func(Event)) func(done int64) {
	if events == nil {
		return nil
	}
	return func(done int64) { events(Event{Subject: subject(d), Done: done, Total: d.Size}) }
}
