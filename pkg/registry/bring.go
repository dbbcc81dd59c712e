package registry

import (
	"context"
	"io"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Blob is a blob that is to be in a repository.
type Blob struct {
	Desc ocispec.Descriptor
	From []string // repositories that may have it, as HOST/PATH
	Open func(ctx context.Context) (io.ReadCloser, error)
	Told func(done int64) // of the bytes that were read in this try; nil: nobody
}

// Way is how a blob came to be in a repository.
type Way int

// The ways.
const (
	There   Way = iota // it was there before
	Mounted            // taken over from another repository of the registry
	Sent
)

// Traffic is what went to a repository, and what did not have to.
type Traffic struct {
	BytesSent    int64 `json:"bytesSent"` // of blobs and manifests
	BlobsSent    int   `json:"blobsSent"`
	BlobsMounted int   `json:"blobsMounted"` // taken over from another repository
	BlobsSkipped int   `json:"blobsSkipped"` // that were there
}

// Add counts a blob.
func (t *Traffic) Add(way Way, size int64) {
	switch way {
	case There:
		t.BlobsSkipped++
	case Mounted:
		t.BlobsMounted++
	case Sent:
		t.BlobsSent++
		t.BytesSent += size
	}
}

// Bring puts a blob into a repository in the cheapest way there is. Errors: the
// Target's, Open's.
func Bring(ctx context.Context, to Target, b Blob) (Way, error) {
	asked := false
	for _, from := range b.From {
		host, _, _ := strings.Cut(from, "/")
		if own, _, _ := strings.Cut(to.Name(), "/"); from == to.Name() || !SameRegistry(host, own) {
			continue
		}
		if !asked { // PushBlob asks itself
			if there, err := to.Exists(ctx, b.Desc); there || err != nil {
				return There, err
			}
			asked = true
		}
		if mounted, err := to.Mount(ctx, b.Desc, from); mounted || err != nil {
			return Mounted, err
		}
	}
	way := There
	err := to.PushBlob(ctx, b.Desc, func() (io.ReadCloser, error) {
		way = Sent
		rc, err := b.Open(ctx)
		if err != nil {
			return nil, err
		}
		return Watched(ctx, rc, b.Told), nil
	})
	return way, err
}

// Watched returns a reader that ends with the context's error, so that no copy
// outlives a command that was interrupted, and tells how many bytes were read. told
// may be nil. Closing it closes r, if that can be.
func Watched(ctx context.Context, r io.Reader, told func(done int64)) io.ReadCloser {
	return &watched{ctx: ctx, r: r, told: told}
}

type watched struct {
	ctx  context.Context
	r    io.Reader
	told func(done int64)
	done int64
}

func (w *watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.r.Read(p)
	if w.done += int64(n); n > 0 && w.told != nil {
		w.told(w.done)
	}
	return n, err
}

func (w *watched) Close() error {
	if c, ok := w.r.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
