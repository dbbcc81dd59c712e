package transfer

import (
	"bytes"
	"context"
	"errors"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Contents is what a layout holds.
type Contents struct {
	Lock   *lockfile.Lock   // nil if it has none: another program's layout
	Others []*lockfile.Lock // of further projects: what they have in other releases
	Graphs []*Graph         // none without a lock
	Tools  []ocilayout.Tool
	Files  int   // beside index.json, lock and oci-layout
	Size   int64 // of all, in bytes
}

// All returns what its locks name, in one: see the function All.
func (c *Contents) All() *lockfile.Lock {
	if c.Lock == nil {
		return &lockfile.Lock{}
	}
	return All(append([]*lockfile.Lock{c.Lock}, c.Others...))
}

// Inspect reads what a layout names, and checks it against its lock: a layout of
// ours is what its lock makes of its manifests, to the byte. Blobs are only
// looked for. path is for messages. Errors: *ocilayout.Error and
// *artifact.IntegrityError if something is missing or changed; those of
// lockfile.Parse for a lock whose digest is right.
func Inspect(ctx context.Context, s *ocilayout.Layout, path string) (*Contents, error) {
	b, c, err := expected(ctx, s, path)
	if err == nil {
		err = s.Check(b)
	}
	return c, err
}

// Verify is Inspect, and reads every byte there is: of a tar with a lock, nothing
// is in it that the lock does not make. Errors: Inspect's.
func Verify(ctx context.Context, s *ocilayout.Layout, path string) (*Contents, error) {
	b, c, err := expected(ctx, s, path)
	if err == nil {
		err = s.Verify(ctx, b)
	}
	return c, err
}

// expected makes the bundle again that the source should be.
func expected(ctx context.Context, s *ocilayout.Layout, path string) (*ocilayout.Bundle, *Contents, error) {
	open := func(name string) (registry.Repository, error) { return s.Repository(name), nil }
	broken := func(problem string) error { return &ocilayout.Error{Path: path, Problem: problem} }
	if s.Lock() == nil {
		return withoutLock(ctx, s, path)
	}
	data, err := s.ReadFile(ocispec.ImageIndexFile)
	if err != nil {
		return nil, nil, err
	}
	index := s.Index()
	switch digest.Digest(index.Annotations[ocilayout.AnnotationLock]) {
	case "":
		return nil, nil, broken("does not say in index.json which lock it has")
	case digest.FromBytes(s.Lock()):
	default:
		return nil, nil, broken("does not have the lock that index.json names")
	}
	lock, err := lockfile.Parse(path+"/"+ocilayout.LockFile, s.Lock())
	if err != nil {
		return nil, nil, err
	}
	c := &Contents{Lock: lock}
	for i, data := range s.Others() {
		if digest.Digest(index.Annotations[ocilayout.AnnotationOther(i)]) != digest.FromBytes(data) {
			return nil, nil, broken("does not have the lock that index.json names: " + ocilayout.OtherFile(i))
		}
		other, err := lockfile.Parse(path+"/"+ocilayout.OtherFile(i), data)
		if err != nil {
			return nil, nil, err
		}
		c.Others = append(c.Others, other)
	}
	if c.Tools, err = s.Tools(); err != nil {
		return nil, nil, err
	}
	c.Graphs, err = Plan(ctx, c.All(), open, PlanOptions{Sparse: true})
	if err != nil {
		return nil, nil, within(path, err)
	}
	b := NewBundle(lock, c.Graphs, c.Tools, c.Others...)
	layout, err := s.ReadFile(ocispec.ImageLayoutFile)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(b.Lock, s.Lock()) || !bytes.Equal(b.Index, data) || !bytes.Equal(layout, ocilayout.Marker()) {
		return nil, nil, broken("is damaged, or was edited: its index is not what its lock and its manifests make")
	}
	c.Files, c.Size = len(b.Blobs)+len(b.Tools), b.Size()
	return b, c, nil
}

// within makes what is wrong with a source's manifests an error of the source.
func within(path string, err error) error {
	if errors.As(err, new(*artifact.IntegrityError)) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &ocilayout.Error{Path: path, Problem: "is incomplete: " + err.Error()}
}

// withoutLock is what a layout without a lock holds, one that another program made:
// all that its index leads to.
func withoutLock(ctx context.Context, s *ocilayout.Layout, path string) (*ocilayout.Bundle, *Contents, error) {
	data, err := s.ReadFile(ocispec.ImageIndexFile)
	if err != nil {
		return nil, nil, err
	}
	g := newGatherer(s.Repository(""), parallel.NewLimit(parallelReads))
	for _, d := range s.Index().Manifests {
		if artifact.IsIndex(d.MediaType) || artifact.IsManifest(d.MediaType) {
			g.roots = append(g.roots, root{digest: d.Digest, release: d.Digest.String()})
		}
	}
	graph, err := g.graph(ctx)
	if err != nil {
		return nil, nil, within(path, err)
	}
	b := NewBundle(&lockfile.Lock{}, []*Graph{graph}, nil)
	b.Lock, b.Index = nil, data
	return b, &Contents{Files: len(b.Blobs), Size: b.Size()}, nil
}
