package registry

import (
	"context"
	"errors"
	"hash"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Blob implements artifact.Reader. The first answer is awaited, so that what is
// missing or refused is told here.
func (r *remote) Blob(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	if err := checkDescriptor(r.name, desc); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	b := &blob{ctx: ctx, cancel: cancel, r: r, desc: desc, hash: desc.Digest.Algorithm().Hash()}
	b.tries = b.fresh()
	if err := b.connect(); err != nil {
		cancel()
		return nil, err
	}
	return b, nil
}

func checkDescriptor(repository string, desc ocispec.Descriptor) error {
	if desc.Size < 0 {
		return &ReferenceError{subject(repository, desc.Digest.String()), "has a size below zero"}
	}
	return checkDigest(repository, desc.Digest)
}

// blob reads a blob over as many connections as it takes. Every byte that Read
// returns went through the hash, so what was put together from several answers
// is verified as a whole.
type blob struct {
	ctx    context.Context
	cancel context.CancelFunc
	r      *remote
	desc   ocispec.Descriptor
	hash   hash.Hash

	at      int // position of the source that serves now
	body    *part
	skip    int64 // bytes to pass over, because the answer began at the start again
	offset  int64 // bytes returned so far
	mark    int64 // offset up to which tries were counted
	tries   attempts
	noRange bool     // this source's ranges are of no use
	servers []string // hosts that bytes came from, in order
	err     error    // what every further Read returns

	reading sync.Mutex // held by Read, which Close can come beside
}

// part is one answer's body.
type part struct {
	io.ReadCloser
	unknown bool // the answer did not say how long it is
	framed  bool // its end is a statement, not only the connection's
}

// Read implements io.Reader.
func (b *blob) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	n, err := b.read(p)
	if err != nil {
		b.err = err
		b.closeBody()
	}
	return n, err
}

func (b *blob) read(p []byte) (int, error) {
	for {
		if b.body == nil {
			if err := b.connect(); err != nil {
				return 0, err
			}
		}
		if b.offset == b.desc.Size && b.skip == 0 {
			return 0, b.finish()
		}
		want := b.desc.Size - b.offset
		if b.skip > 0 {
			want = b.skip
		}
		n, err := b.body.Read(p[:min(int64(len(p)), want)])
		switch {
		case b.skip > 0:
			b.skip -= int64(n)
		case n > 0:
			b.hash.Write(p[:n])
			b.offset += int64(n)
			b.progress()
			if b.offset < b.desc.Size {
				return n, nil // an error comes again with the next Read
			}
			return n, b.finish()
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			if b.body.framed {
				return 0, b.mismatch(b.offset) // that is all there is
			}
			err = &UnreachableError{b.source().ep.name, NetworkReset, io.ErrUnexpectedEOF}
		}
		if err := b.cut(err); err != nil {
			return 0, err
		}
	}
}

// minProgress is how many bytes are worth further tries, where a blob has so
// many: a line that breaks after each few of them would be tried without end.
const minProgress = 64 << 10

// progress forgets the tries once they have brought something. The time for them
// begins with the next cut: that bytes came slowly is no failure.
func (b *blob) progress() {
	b.tries.start = time.Time{}
	if b.offset-b.mark >= min(minProgress, b.desc.Size/32) {
		b.mark, b.tries.failed = b.offset, 0
	}
}

// cut decides how to go on after a connection broke: wait and ask the same
// source again, or ask the next one.
func (b *blob) cut(err error) error {
	b.closeBody()
	if b.tries.start.IsZero() {
		b.tries.start = b.r.c.now()
	}
	perr := b.r.c.pause(b.ctx, &b.tries, b.source().ep.name, b.what(), err)
	if perr == nil || b.next(perr) {
		return nil
	}
	return b.r.blame(perr, b.desc.Digest.String())
}

// next turns to the next source after an error, where there is one that may do
// better.
func (b *blob) next(err error) bool {
	if !b.r.goOn(b.ctx, b.at, b.desc.Digest.String(), err) {
		return false
	}
	b.at++
	b.tries, b.noRange = b.fresh(), false
	return true
}

func (b *blob) fresh() attempts {
	return attempts{start: b.r.c.now(), mirror: b.at < len(b.r.sources)-1}
}

// finish holds what was read against the descriptor and returns io.EOF where it
// agrees.
func (b *blob) finish() error {
	if b.body.unknown {
		// More than promised is an error too. What happens to the connection
		// after the last byte that counts is none.
		if n, _ := io.ReadFull(b.body, make([]byte, 1)); n > 0 {
			return b.mismatch(b.offset + 1)
		}
	}
	if got := digest.NewDigest(b.desc.Digest.Algorithm(), b.hash); got != b.desc.Digest {
		e := b.mismatch(b.offset)
		e.Got = got
		return e
	}
	return io.EOF
}

func (b *blob) mismatch(got int64) *IntegrityError {
	return &IntegrityError{
		Repository: b.r.name, ServedBy: strings.Join(b.servers, ","),
		Digest: b.desc.Digest, Size: b.desc.Size, GotSize: got,
	}
}

func (b *blob) source() *source { return b.r.sources[b.at] }

func (b *blob) what() string { return subject(b.r.name, b.desc.Digest.String()) }

func (b *blob) closeBody() {
	if b.body != nil {
		b.body.Close()
		b.body = nil
	}
}

// Close implements io.Closer. It may come while another goroutine is in Read,
// which it ends: whatever that waits for, connection or pause, ends with ctx.
func (b *blob) Close() error {
	b.cancel()
	b.reading.Lock()
	defer b.reading.Unlock()
	b.closeBody()
	b.err = errors.New(b.what() + ": read after it was closed")
	return nil
}
