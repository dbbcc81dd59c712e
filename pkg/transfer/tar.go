package transfer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

const tarBlock = 512

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

// layoutText is the file that says of a folder or tar that it is a layout.
func layoutText() []byte {
	return []byte(`{"imageLayoutVersion":"` + ocispec.ImageLayoutVersion + `"}`)
}

// parts returns the files of a bundle in the order of the tar: what is small and
// read first comes first.
func (b *Bundle) parts() []part {
	small := func(name string, data []byte) part {
		return part{name: name, size: int64(len(data)), mode: 0o644, data: data}
	}
	out := []part{
		small(ocispec.ImageLayoutFile, layoutText()),
		small(ocispec.ImageIndexFile, b.Index),
		small(registry.BundleLock, b.Lock),
	}
	for _, t := range b.Tools {
		out = append(out, part{name: t.File(), size: t.Size, mode: 0o755, sum: t.Digest, open: t.Open})
	}
	for i := range b.Blobs {
		blob := &b.Blobs[i]
		out = append(out, part{name: blob.file(), size: blob.Desc.Size, mode: 0o644, data: blob.Data, sum: blob.Desc.Digest, blob: blob})
	}
	return out
}

func (b *Blob) file() string {
	return ocispec.ImageBlobsDir + "/" + b.Desc.Digest.Algorithm().String() + "/" + b.Desc.Digest.Encoded()
}

// header writes a file's header, of whole blocks. Times and owners are nobody's.
func (p part) header() ([]byte, error) {
	var b bytes.Buffer
	err := tar.NewWriter(&b).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: p.name, Size: p.size, Mode: p.mode})
	return b.Bytes(), err
}

// WriteTar writes the bundle to a file, which appears when it is whole. Where
// everything stands in it is known beforehand, so several blobs are fetched at a
// time, each straight to its place. Errors: *FileError for a file that is
// something else, *LostError, the repositories', the file system's.
func (b *Bundle) WriteTar(ctx context.Context, file string, open Open, events func(Event)) (err error) {
	if err := CheckFile(file); err != nil {
		return err
	}
	var d disk.Disk
	_, _ = d.SweepFile(file) // the next one tries again
	parts := b.parts()
	headers := make([][]byte, len(parts))
	size := int64(0)
	for i := range parts {
		if headers[i], err = parts[i].header(); err != nil {
			return err
		}
		parts[i].at = size
		size += int64(len(headers[i])) + (parts[i].size+tarBlock-1)/tarBlock*tarBlock
	}
	temp, err := d.CreateTemp(filepath.Dir(file), filepath.Base(file))
	if err != nil {
		return err
	}
	defer temp.Discard()
	if err := temp.Truncate(size + 2*tarBlock); err != nil { // its end and all padding are zeros
		return err
	}
	for _, batch := range batches(parts) {
		err := b.write(ctx, len(batch), func(ctx context.Context, i int) error {
			p := batch[i]
			w := io.NewOffsetWriter(temp, parts[p].at)
			if _, err := w.Write(headers[p]); err != nil {
				return err
			}
			return b.fill(ctx, w, parts[p], open, events)
		})
		if err != nil {
			return err
		}
	}
	if err := temp.Seal(0o644, true); err != nil {
		return err
	}
	return temp.Rename(file)
}

// batches splits parts by their places: first what only refers to releases, as it
// is small, and with one of it gone all begins again without.
func batches(parts []part) [2][]int {
	var out [2][]int
	for i, p := range parts {
		n := 1
		if p.blob != nil && p.blob.related {
			n = 0
		}
		out[n] = append(out[n], i)
	}
	return out
}

// write runs f for every part, some at a time, and begins no more where one
// failed.
func (b *Bundle) write(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failed atomic.Pointer[error]
	_ = newLimiter(parallelBlobs).each(ctx, n, func(ctx context.Context, i int) error {
		err := f(ctx, i)
		if err != nil && failed.CompareAndSwap(nil, &err) {
			cancel()
		}
		return err
	})
	if err := failed.Load(); err != nil {
		return *err // the others say that they were cancelled
	}
	return ctx.Err()
}

// fill writes a part's bytes.
func (b *Bundle) fill(ctx context.Context, w io.Writer, p part, open Open, events func(Event)) error {
	if p.data != nil {
		_, err := w.Write(p.data)
		return err
	}
	rc, err := b.read(ctx, p, open, events)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(rc, p.size+1))
	if err == nil && n != p.size {
		err = errors.New(p.name + ": changed while it was read")
	}
	if events != nil && p.blob != nil && err == nil {
		events(Event{Kind: EventCopied, Repository: p.blob.Repository, Subject: subject(p.blob.Desc), Done: n, Total: n})
	}
	return errors.Join(err, rc.Close())
}

func (b *Bundle) read(ctx context.Context, p part, open Open, events func(Event)) (io.ReadCloser, error) {
	if p.blob == nil {
		return p.open()
	}
	repo, err := open(p.blob.Repository)
	if err != nil {
		return nil, err
	}
	rc, err := repo.Blob(ctx, p.blob.Desc)
	if isGone(err) {
		return nil, &LostError{p.blob.Repository, p.blob.Desc.Digest, err}
	}
	if err != nil {
		return nil, err
	}
	return metered(rc, p.blob.Repository, p.blob.Desc, events), nil
}

// finish puts a written file in its place.
func finish(temp *os.File, file string, mode os.FileMode) error {
	err := temp.Chmod(mode)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}
