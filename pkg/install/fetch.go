package install

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install/internal/flow"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// fetch gets a layer into the store in one pass: the compressed bytes are
// hashed as they come, inflated, the executable found, hashed and written. It
// becomes an entry only when everything has been read to the end, agrees with
// the lock and is on the disk. The caller holds the layer's lock.
func (e *Engine) fetch(ctx context.Context, l Layer) (Entry, error) {
	if e.o.Fetch == nil {
		return Entry{}, &UnstagedError{l}
	}
	if err := e.disk.MkdirAll(e.home.Store()); err != nil {
		return Entry{}, err
	}
	temp, err := e.disk.CreateTemp(e.home.Store(), l.Digest.Encoded()[:12])
	if err != nil {
		return Entry{}, err
	}
	defer temp.Discard()
	src, err := e.o.Fetch.Fetch(ctx, l)
	if err != nil {
		return Entry{}, err
	}
	// Whatever the source waits for, it ends with ctx.
	stop := context.AfterFunc(ctx, func() { src.Close() })
	executable, size, err := e.receive(src, temp, l)
	stop()
	if err := errors.Join(ctx.Err(), err); err != nil {
		return Entry{}, err
	}
	if err := temp.Seal(0o644, true); err != nil {
		return Entry{}, err
	}
	return e.store.put(temp, l.Digest, executable, size)
}

// receive reads src to its end, closes it, and fills temp with the executable.
func (e *Engine) receive(src io.ReadCloser, temp *disk.Temp, l Layer) (executable digest.Digest, size int64, err error) {
	defer src.Close()
	layerSum, fileSum := l.Digest.Algorithm().Hash(), sha256.New()
	// One byte more than there should be, to see that there are more.
	ahead := flow.NewAhead(&e.buffers, src, l.Size+1, layerSum, func(n int64) {
		e.emit(Event{Kind: EventFetch, Layer: l, Done: min(n, l.Size), Total: l.Size})
	})
	behind := flow.NewBehind(&e.buffers, &flushing{temp: temp}, fileSum)
	broken := e.unpacker.Extract(ahead, behind, unpack.Driver{Name: l.Plugin, Platform: l.Platform, Size: l.Size, File: l.File})
	if err := behind.Close(); err != nil {
		src.Close() // else Close waits for bytes that nobody wants
		ahead.Close()
		return "", 0, err
	}
	// Of a layer that was not understood, the rest still tells whether these
	// are the bytes that the lock pins: the better answer.
	ahead.Drain()

	bad := &IntegrityError{Layer: l}
	executable = digest.NewDigest(digest.SHA256, fileSum)
	switch got := digest.NewDigest(l.Digest.Algorithm(), layerSum); {
	case ahead.Failed != nil:
		return "", 0, ahead.Failed
	case ahead.Size != l.Size:
		bad.Cause, bad.Size = BadSize, ahead.Size
	case got != l.Digest:
		bad.Cause, bad.Want, bad.Got = BadDigest, l.Digest, got
	case broken != nil:
		bad.Cause, bad.Reason = BadArchive, broken.Error()
	case l.Executable != "" && l.Executable != executable:
		bad.Cause, bad.Want, bad.Got = BadExecutable, l.Executable, executable
	default:
		return executable, behind.Size, nil
	}
	return "", 0, bad
}

// flushing has the disk begin its work while there is more to inflate.
type flushing struct {
	temp        *disk.Temp
	done, asked int64
}

func (f *flushing) Write(p []byte) (int, error) {
	n, err := f.temp.Write(p)
	f.done += int64(n)
	if f.done-f.asked >= 8<<20 {
		f.temp.Flush(f.asked, f.done-f.asked)
		f.asked = f.done
	}
	return n, err
}
