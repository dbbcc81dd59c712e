package ocilayout

import (
	"context"
	"errors"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// AnnotationTool is, with OS-ARCH behind it, the index's annotation for the digest
// of this program for a platform, at the root too. With it and
// AnnotationLock no byte of a bundle can change unseen.
const AnnotationTool = "io.schemahero.plugin.tool."

// toolName begins the name of this program's files at a bundle's root.
const toolName = "kubectl-schemahero-plugin-"

// Tool is this program for one platform.
type Tool struct {
	Platform artifact.Platform
	Digest   digest.Digest
	Size     int64
	Open     func() (io.ReadCloser, error)
}

// File is the tool's name at the root of a layout.
func (t Tool) File() string {
	name := toolName + t.Platform.Suffix()
	if t.Platform.OS == "windows" {
		name += ".exe"
	}
	return name
}

// Bundle is an OCI image layout of what a lock names, with the lock at its root.
// One lock, with the same signatures about, gives the same bytes anywhere.
type Bundle struct {
	Lock   []byte
	Others [][]byte // locks beside it, of further projects
	Index  []byte   // index.json
	Blobs  []Blob   // each once, by digest
	Tools  []Tool   // by file name
}

// Blob is one file of a layout's blobs.
type Blob struct {
	Desc       ocispec.Descriptor
	Repository string // one that holds it
	Data       []byte // of a manifest; nil for what is read from Repository

	Related bool // only what refers to a release has it
}

// Fetch opens a blob of a bundle that is written. What comes is checked against
// the blob's descriptor by the time that Read returns io.EOF.
type Fetch func(ctx context.Context, b Blob) (io.ReadCloser, error)

// Size is the number of bytes of all files.
func (b *Bundle) Size() (n int64) {
	for _, blob := range b.Blobs {
		n += blob.Desc.Size
	}
	for _, t := range b.Tools {
		n += t.Size
	}
	for _, other := range b.Others {
		n += int64(len(other))
	}
	return n + int64(len(b.Lock)+len(b.Index))
}

// part is a file of a layout.
type part struct {
	name string // with slashes
	size int64
	mode int64
	data []byte // nil: open
	sum  digest.Digest
	blob *Blob
	open func() (io.ReadCloser, error) // of a tool
	at   int64                         // in the tar: where its header is
}

// Marker is the file that says of a folder or tar that it is a layout.
func Marker() []byte {
	return []byte(`{"imageLayoutVersion":"` + ocispec.ImageLayoutVersion + `"}`)
}

// parts returns the files of a bundle in the order of the tar: what is small and
// read first comes first.
func (b *Bundle) parts() []part {
	small := func(name string, data []byte) part {
		return part{name: name, size: int64(len(data)), mode: 0o644, data: data}
	}
	out := []part{
		small(ocispec.ImageLayoutFile, Marker()),
		small(ocispec.ImageIndexFile, b.Index),
		small(LockFile, b.Lock),
	}
	for i, other := range b.Others {
		out = append(out, small(OtherFile(i), other))
	}
	for _, t := range b.Tools {
		out = append(out, part{name: t.File(), size: t.Size, mode: 0o755, sum: t.Digest, open: t.Open})
	}
	for i := range b.Blobs {
		blob := &b.Blobs[i]
		out = append(out, part{name: blobFile(blob.Desc.Digest), size: blob.Desc.Size, mode: 0o644, data: blob.Data, sum: blob.Desc.Digest, blob: blob})
	}
	return out
}

// batches splits parts by their places: first what only refers to releases, as it
// is small, and with one of it gone all begins again without.
func batches(parts []part) [2][]int {
	var out [2][]int
	for i, p := range parts {
		n := 1
		if p.blob != nil && p.blob.Related {
			n = 0
		}
		out[n] = append(out[n], i)
	}
	return out
}

// each runs f for 0 to n-1, some at a time, and begins no more if one failed.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelBlobs)
	for i := range n {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return f(ctx, i)
		})
	}
	return group.Wait()
}

// parallelBlobs is how many blobs are read at a time.
const parallelBlobs = 4

// fill writes a part's bytes.
func (p part) fill(ctx context.Context, w io.Writer, fetch Fetch) error {
	if p.data != nil {
		_, err := w.Write(p.data)
		return err
	}
	open := p.open
	if p.blob != nil {
		open = func() (io.ReadCloser, error) { return fetch(ctx, *p.blob) }
	}
	rc, err := open()
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(rc, p.size+1))
	if err == nil && n != p.size {
		err = errors.New(p.name + ": changed while it was read")
	}
	return errors.Join(err, rc.Close())
}
