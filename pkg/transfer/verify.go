package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Contents is what a layout holds.
type Contents struct {
	Lock   *lockfile.Lock // nil where it has none: another program's layout
	Graphs []*Graph       // none without a lock
	Tools  []Tool
	Files  int   // beside index.json, lock and oci-layout
	Size   int64 // of all, in bytes
}

// Inspect reads what a layout names, and holds it against its lock: a layout of
// ours is what its lock makes of its manifests, to the byte. Blobs are only
// looked for. path is for messages. Errors: *registry.BundleError and
// *registry.IntegrityError where something is missing or changed; those of
// lockfile.Parse for a lock whose digest is right.
func Inspect(ctx context.Context, s registry.Source, path string) (*Contents, error) {
	b, c, err := expected(ctx, s, path)
	if err != nil {
		return nil, err
	}
	for _, blob := range b.Blobs {
		size, ok := s.Has(blob.Desc.Digest)
		if !ok || size != blob.Desc.Size {
			e := &registry.IntegrityError{Repository: blob.Repository, ServedBy: path, Digest: blob.Desc.Digest, Size: blob.Desc.Size, GotSize: size}
			if !ok {
				e.Problem = "is missing"
			}
			return nil, e
		}
	}
	c.Files, c.Size = len(b.Blobs)+len(b.Tools), b.Size()
	return c, nil
}

// Verify is Inspect, and reads every byte there is: of a tar with a lock, nothing
// is in it that the lock does not make. Errors: Inspect's.
func Verify(ctx context.Context, s registry.Source, path string, events func(Event)) (*Contents, error) {
	b, c, err := expected(ctx, s, path)
	if err != nil {
		return nil, err
	}
	err = b.write(ctx, len(b.Blobs), func(ctx context.Context, i int) error {
		d := b.Blobs[i].Desc
		rc, err := s.Blob(ctx, d)
		if errors.Is(err, artifact.ErrNotFound) {
			return &registry.IntegrityError{Repository: b.Blobs[i].Repository, ServedBy: path, Digest: d.Digest, Size: d.Size, Problem: "is missing"}
		}
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, metered(rc, b.Blobs[i].Repository, d, events))
		return errors.Join(err, rc.Close())
	})
	if err != nil {
		return nil, err
	}
	for _, t := range b.Tools {
		if err := checkTool(t, path); err != nil {
			return nil, err
		}
	}
	if err := checkStrays(ctx, s, path, b); err != nil {
		return nil, err
	}
	c.Files, c.Size = len(b.Blobs)+len(b.Tools), b.Size()
	return c, nil
}

func checkTool(t Tool, path string) error {
	rc, err := t.Open()
	if err != nil {
		return err
	}
	defer rc.Close()
	got, err := digest.FromReader(rc)
	if err == nil && got != t.Digest {
		err = &registry.IntegrityError{Repository: t.File(), ServedBy: path, Digest: t.Digest, Got: got, Size: -1}
	}
	return err
}

// expected makes the bundle anew that the source should be.
func expected(ctx context.Context, s registry.Source, path string) (*Bundle, *Contents, error) {
	open := func(name string) (registry.Repository, error) { return s.Repository(name), nil }
	broken := func(problem string) error { return &registry.BundleError{File: path, Problem: problem} }
	if s.Lock() == nil {
		return foreign(ctx, s, path)
	}
	data, index, err := readIndex(s)
	if err != nil {
		return nil, nil, err
	}
	switch digest.Digest(index.Annotations[registry.AnnotationLock]) {
	case "":
		return nil, nil, broken("does not say in index.json which lock it has")
	case digest.FromBytes(s.Lock()):
	default:
		return nil, nil, broken("does not have the lock that index.json names")
	}
	lock, err := lockfile.Parse(path+"/"+registry.BundleLock, s.Lock())
	if err != nil {
		return nil, nil, err
	}
	c := &Contents{Lock: lock}
	if c.Tools, err = tools(s, path, index); err != nil {
		return nil, nil, err
	}
	c.Graphs, err = Plan(ctx, lock, open, PlanOptions{Sparse: true})
	if err != nil {
		return nil, nil, within(path, err)
	}
	b := NewBundle(lock, c.Graphs, c.Tools)
	layout, err := readFile(s, ocispec.ImageLayoutFile)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(b.Lock, s.Lock()) || !bytes.Equal(b.Index, data) || !bytes.Equal(layout, layoutText()) {
		return nil, nil, broken("is damaged, or was edited: its index is not what its lock and its manifests make")
	}
	return b, c, nil
}

// within makes what is wrong with a source's manifests an error of the source.
func within(path string, err error) error {
	if errors.As(err, new(*registry.IntegrityError)) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &registry.BundleError{File: path, Problem: "is not whole: " + err.Error()}
}

func readIndex(s registry.Source) ([]byte, *artifact.Document, error) {
	data, err := readFile(s, ocispec.ImageIndexFile)
	if err != nil {
		return nil, nil, err
	}
	index, err := artifact.ParseDocument(ocispec.ImageIndexFile, ocispec.MediaTypeImageIndex, data)
	return data, index, err
}

// maxRootFile is the size over which index.json is not read. OpenSource has
// refused a larger one.
const maxRootFile = 16 << 20

func readFile(s registry.Source, name string) ([]byte, error) {
	rc, _, err := s.File(name)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(io.LimitReader(rc, maxRootFile))
}

// tools returns this program's files, as the index names them.
func tools(s registry.Source, path string, index *artifact.Document) ([]Tool, error) {
	var out []Tool
	for key, value := range index.Annotations {
		suffix, ok := strings.CutPrefix(key, AnnotationTool)
		if !ok {
			continue
		}
		rest, platform, ok := artifact.CutPlatform("tool-" + suffix)
		t := Tool{Platform: platform, Digest: digest.Digest(value)}
		if !ok || rest != "tool" || !artifact.IsContentDigest(t.Digest) {
			return nil, &registry.BundleError{File: path, Problem: fmt.Sprintf("index.json has %q, which is no platform's program", key)}
		}
		rc, size, err := s.File(t.File())
		if err != nil {
			return nil, &registry.BundleError{File: path, Problem: "lacks " + t.File() + ", which index.json names"}
		}
		rc.Close()
		t.Size = size
		t.Open = func() (io.ReadCloser, error) { rc, _, err := s.File(t.File()); return rc, err }
		out = append(out, t)
	}
	return out, nil
}

// foreign is what a layout without a lock holds, one that another program made:
// all that its index leads to.
func foreign(ctx context.Context, s registry.Source, path string) (*Bundle, *Contents, error) {
	data, index, err := readIndex(s)
	if err != nil {
		return nil, nil, err
	}
	g := newGatherer(s.Repository(""), newLimiter(parallelReads))
	for _, d := range index.Manifests {
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
	return b, &Contents{}, nil
}
