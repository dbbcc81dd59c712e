package install

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/readahead"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// StageOptions change what Stage does.
type StageOptions struct {
	Refetch   bool // fetch every layer of work, and replace what the store has
	KeepGoing bool // try every layer, though one failed
}

// Stage brings the layers that work needs into the store, in parallel. Each is
// fetched by one process only; the others wait for it. What was staged stays,
// though another layer fails.
//
// Errors, joined, each in an *ItemError: *IntegrityError, the Fetcher's,
// *UnstagedError without one, *fs.PathError. A layer that several items share fails with the first.
func (e *Installer) Stage(ctx context.Context, work []Status, o StageOptions) error {
	var needed []Status
	seen := map[digest.Digest]bool{}
	for _, s := range work {
		if (o.Refetch || s.needsLayer()) && !seen[s.Layer.Digest] {
			seen[s.Layer.Digest] = true
			needed = append(needed, s)
		}
	}
	if len(needed) == 0 {
		return nil
	}
	if err := e.home.check(); err != nil {
		return err
	}
	e.sweep(e.home.Store())
	for _, s := range needed {
		if _, stored := e.store.lookup(s.Layer.Digest); o.Refetch || !stored && !e.store.keeps(s.Layer) {
			e.emit(Event{Kind: EventNeed, Layer: s.Layer, Total: s.Layer.Size})
		}
	}
	return e.each(len(needed), o.KeepGoing, func(i int) error {
		s := needed[i]
		if err := e.stage(ctx, s, o.Refetch); err != nil {
			return &ItemError{s.Item, err}
		}
		e.emit(Event{Kind: EventStaged, Layer: s.Layer, Total: s.Layer.Size})
		return nil
	})
}

func (e *Installer) stage(ctx context.Context, s Status, refetch bool) error {
	if err := errors.Join(ctx.Err(), checkLayer(s.Layer)); err != nil {
		return err
	}
	if !refetch {
		if done, err := e.staged(ctx, s); done || err != nil {
			return err
		}
	}
	if err := e.disk.MkdirAll(e.home.locks()); err != nil {
		return err
	}
	lock, err := e.disk.Lock(ctx, e.layerLock(s.Layer.Digest), func(pid int) {
		e.emit(Event{Kind: EventWait, Subject: s.Layer.Plugin, PID: pid, Layer: s.Layer})
	})
	if err != nil {
		return err
	}
	defer lock.UnlockAndRemove()
	if !refetch {
		// Whoever held the lock may have fetched it.
		if done, err := e.staged(ctx, s); done || err != nil {
			return err
		}
	}
	if !refetch {
		if done, err := e.remake(ctx, s.Layer); done || err != nil {
			return err
		}
	}
	return e.fetch(ctx, s)
}

// staged reports whether the store has what s needs.
func (e *Installer) staged(ctx context.Context, s Status) (bool, error) {
	entry, ok := e.store.lookup(s.Layer.Digest)
	if !ok {
		return false, nil
	}
	if want := s.Layer.Executable; want != "" && want != entry.Executable {
		return false, &IntegrityError{Layer: s.Layer, Cause: badExecutable, Want: want, Got: entry.Executable}
	}
	// A file that came from this entry and is wrong may have been wrong from
	// the start.
	suspect := s.State == Changed && (s.record == damaged || s.Receipt != nil && s.Receipt.Layer == s.Layer.Digest)
	return e.store.sound(ctx, entry, suspect), ctx.Err()
}

func (e *Installer) layerLock(layer digest.Digest) string {
	return filepath.Join(e.home.locks(), layer.Algorithm().String()+"-"+layer.Encoded()+".lock")
}

// fetch gets a layer into the store. The caller holds the layer's lock.
func (e *Installer) fetch(ctx context.Context, s Status) error {
	if e.o.Fetch == nil {
		return &UnstagedError{s.Layer}
	}
	if err := e.disk.MkdirAll(e.home.Store()); err != nil {
		return err
	}
	in := &arriving{told: func(n int64) {
		e.emit(Event{Kind: EventFetch, Layer: s.Layer, Done: min(n, s.Layer.Size), Total: s.Layer.Size})
	}}
	if e.links(filepath.Dir(s.path)) {
		var err error
		if in.kept, err = e.tempFor(s.Layer); err != nil {
			return err
		}
		defer in.kept.Discard()
	}
	return e.extract(ctx, s.Layer, in, func() (io.ReadCloser, error) { return e.o.Fetch.Fetch(ctx, s.Layer) })
}

// remake makes the executable again from the layer, if that is kept and intact. The
// caller holds the layer's lock.
func (e *Installer) remake(ctx context.Context, l Layer) (done bool, err error) {
	if !e.store.keeps(l) {
		return false, nil
	}
	file := filepath.Join(e.store.folder(l.Digest), layerName)
	err = e.extract(ctx, l, &arriving{told: func(int64) {}}, func() (io.ReadCloser, error) { return os.Open(file) })
	unread, _ := errors.AsType[*fs.PathError](err)
	if ctx.Err() == nil && (errors.As(err, new(*IntegrityError)) || unread != nil && unread.Path == file) {
		return false, e.disk.Remove(file)
	}
	return err == nil, err
}

// links reports whether files placed in dir will be hard links to the store's.
func (e *Installer) links(dir string) bool {
	_, there, ok := disk.Free(dir)
	_, here, ok2 := disk.Free(e.home.Store())
	return e.o.Link && ok && ok2 && there == here && e.linksOnly()
}

func (e *Installer) tempFor(l Layer) (*disk.Temp, error) {
	return e.disk.CreateTemp(e.home.Store(), l.Digest.Encoded()[:12])
}

// extract makes a layer's entry in one pass: the compressed bytes are
// hashed as they come, inflated, the executable found, hashed and written. It
// becomes an entry only when everything has been read to the end, agrees with
// the lock and is on the disk.
func (e *Installer) extract(ctx context.Context, l Layer, in *arriving, open func() (io.ReadCloser, error)) error {
	temp, err := e.tempFor(l)
	if err != nil {
		return err
	}
	defer temp.Discard()
	src, err := open()
	if err != nil {
		return err
	}
	// Whatever the source waits for, it ends with ctx.
	stop := context.AfterFunc(ctx, func() { src.Close() })
	entry, err := e.receive(src, in, temp, l)
	stop()
	if err := errors.Join(ctx.Err(), err); err != nil {
		return err
	}
	if err := temp.Seal(placedMode, true); err != nil {
		return err
	}
	if in.kept != nil {
		if err := in.kept.Seal(0, false); err != nil {
			return err
		}
	}
	return e.store.put(temp, in.kept, entry)
}

// The three steps of a layer's way work side by side: it is read and hashed
// ahead of what inflates it, and what that gives is hashed and written behind it.
// A few buffers between them bound memory, whatever the layer's size.
const (
	buffers    = 3
	bufferSize = 256 << 10 // bytes
)

// receive reads src to its end, closes it, and fills temp with the executable. The
// entry has no path yet.
func (e *Installer) receive(src io.ReadCloser, in *arriving, temp *disk.Temp, l Layer) (Entry, error) {
	defer src.Close()
	// One byte more than there should be, to see that there are more.
	in.r, in.sum = io.LimitReader(src, l.Size+1), l.Digest.Algorithm().Hash()
	ahead, err := readahead.NewReaderSize(in, buffers, bufferSize)
	if err != nil {
		return Entry{}, err
	}
	out := &leaving{temp: temp, sum: sha256.New(), failed: func() { src.Close() }}
	facts, broken := e.unpacker.Read(ahead, out, unpack.Driver{Name: l.Plugin, Platform: l.Platform, Size: l.Size, File: l.File}, false)
	if out.err == nil {
		// Of a layer that was not understood, the rest still shows whether these
		// are the bytes that the lock pins: the better answer.
		_, _ = io.Copy(io.Discard, ahead)
	}
	ahead.Close() // from here on nobody reads src
	if out.err != nil {
		return Entry{}, out.err
	}

	bad := &IntegrityError{Layer: l}
	executable := digest.NewDigest(digest.SHA256, out.sum)
	switch got := digest.NewDigest(l.Digest.Algorithm(), in.sum); {
	case in.err != nil:
		return Entry{}, in.err
	case in.size != l.Size:
		bad.Cause, bad.Size = badSize, in.size
	case got != l.Digest:
		bad.Cause, bad.Want, bad.Got = badDigest, l.Digest, got
	case broken != nil:
		bad.Cause, bad.Reason = badArchive, broken.Error()
	case l.Executable != "" && l.Executable != executable:
		bad.Cause, bad.Want, bad.Got = badExecutable, l.Executable, executable
	default:
		if e.o.Learnt != nil {
			e.o.Learnt(l, facts)
		}
		return Entry{Layer: l.Digest, Executable: executable, Size: out.size, quick: out.quick}, nil
	}
	return Entry{}, bad
}

// arriving hashes and counts the bytes of a layer as they come.
type arriving struct {
	r    io.Reader
	sum  hash.Hash
	told func(n int64) // called with the number of bytes so far
	kept *disk.Temp    // gets the bytes too, if they are compressed; nil if they are not to be kept
	size int64
	err  error // the source's own failure, or that of keeping
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	a.sum.Write(p[:n])
	if n > 0 && a.size == 0 && a.kept != nil && !unpack.Compressed(p[:n]) {
		a.kept.Discard() // it would be as large as what it holds
		a.kept = nil
	}
	if n > 0 && a.kept != nil {
		if _, failed := a.kept.Write(p[:n]); failed != nil {
			err = failed
		}
	}
	a.size += int64(n)
	if n > 0 {
		a.told(a.size)
	}
	if err != nil && err != io.EOF {
		a.err = err
	}
	return n, err
}

// leaving hashes and writes the executable, and has the disk begin its work while
// there is more to inflate.
type leaving struct {
	temp    *disk.Temp
	sum     hash.Hash
	quick   uint32
	failed  func() // called when writing fails, to stop what still reads
	size    int64
	flushed int64
	err     error // of writing
}

// ReadFrom implements io.ReaderFrom.
func (l *leaving) ReadFrom(r io.Reader) (int64, error) {
	ahead, err := readahead.NewReaderSize(r, buffers, bufferSize)
	if err != nil {
		return 0, err
	}
	defer ahead.Close()
	return io.Copy(l, ahead)
}

// Write implements io.Writer.
func (l *leaving) Write(p []byte) (int, error) {
	n, err := l.temp.Write(p)
	l.sum.Write(p[:n])
	l.quick = addQuick(l.quick, p[:n])
	l.size += int64(n)
	if err != nil {
		l.err = err
		l.failed()
		return n, err
	}
	if l.size-l.flushed >= 8<<20 {
		l.temp.Flush(l.flushed, l.size-l.flushed)
		l.flushed = l.size
	}
	return n, nil
}
