package registry

import (
	"context"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// Blob implements artifact.Reader. The first answer is awaited, so that what is
// missing or refused is reported here.
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
	tries   *wire.Tries
	noRange bool     // this source's ranges are of no use
	servers []string // hosts that bytes came from, in order
	denied  error    // a mirror's refusal to give the blob away
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
			err = &UnreachableError{Host: b.source().ep.Name, Cause: NetworkReset, Err: io.ErrUnexpectedEOF}
		}
		if err := b.cut(err); err != nil {
			return 0, err
		}
	}
}

// minProgress is how many bytes are worth further tries, if a blob has so
// many: a line that breaks after each few of them would be tried without end.
const minProgress = 64 << 10

// progress lets all tries be used again once they have brought something.
func (b *blob) progress() {
	enough := b.offset-b.mark >= min(minProgress, b.desc.Size/32)
	if enough {
		b.mark = b.offset
	}
	b.tries.Progressed(enough)
}

// cut decides how to continue after a connection broke: wait and ask the same
// source again, or ask the next one.
func (b *blob) cut(err error) error {
	b.closeBody()
	perr := b.r.c.wire.Pause(b.ctx, b.tries, b.source().ep.Name, b.what(), err)
	if perr == nil || b.next(perr) {
		return nil
	}
	return b.failure(perr)
}

// failure is the error to tell where all sources have failed.
func (b *blob) failure(err error) error {
	if b.denied != nil && wire.Unreachable(err) {
		return b.denied
	}
	return b.r.errorToReport(err, b.desc.Digest.String())
}

// next turns to the next source after an error, if there is one that may do
// better.
func (b *blob) next(err error) bool {
	if denied, ok := errors.AsType[*AuthError](err); ok && forbidden(denied) && b.at < len(b.r.sources)-1 {
		b.denied, err = denied, &passedOverError{err} // a cache may give away less than its origin
	}
	if !b.r.nextSource(b.ctx, b.at, b.desc.Digest.String(), err) {
		return false
	}
	b.at++
	b.tries, b.noRange = b.fresh(), false
	return true
}

func (b *blob) fresh() *wire.Tries { return b.r.c.wire.Tries(b.at < len(b.r.sources)-1) }

// finish checks what was read against the descriptor and returns io.EOF if it
// agrees.
func (b *blob) finish() error {
	if b.body.unknown {
		// More than promised is an error too. What happens to the connection
		// after the last byte that counts is not.
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

func (b *blob) mismatch(got int64) *artifact.IntegrityError {
	return &artifact.IntegrityError{
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
// which it ends: waiting for a connection or a pause ends with ctx.
func (b *blob) Close() error {
	b.cancel()
	b.reading.Lock()
	defer b.reading.Unlock()
	b.closeBody()
	b.err = errors.New(b.what() + ": read after it was closed")
	return nil
}

// connect opens an answer that continues at the offset.
func (b *blob) connect() error {
	for {
		if b.r.skipDown(b.at) {
			b.at++
			b.tries = b.fresh()
			continue
		}
		err := b.ask(b.source())
		switch {
		case err == nil && b.body != nil:
			return nil
		case err == nil:
			b.noRange = true // then from the start
		case !b.next(err):
			return b.failure(err)
		}
	}
}

// ask asks one source for the bytes from the offset on. If the answer to the
// range is of no use, body is nil afterwards.
func (b *blob) ask(s *source) error {
	req := b.r.request(s, wire.KindBlob, http.MethodGet, "blobs/"+b.desc.Digest.String(), b.desc.Digest.String())
	req.Blob = &b.desc
	ranged := b.offset > 0 && !b.noRange
	if ranged {
		// With its end, which some registries insist on.
		span := strconv.FormatInt(b.offset, 10) + "-" + strconv.FormatInt(b.desc.Size-1, 10)
		req.Header = http.Header{"Range": {"bytes=" + span}}
		b.r.c.wire.Event(Event{Kind: EventResume, Host: s.ep.Name, Subject: b.what(), Offset: b.offset})
	}
	resp, err := b.r.c.wire.Open(b.ctx, req, b.tries)
	var status *StatusError
	if ranged && errors.As(err, &status) && status.Status == http.StatusRequestedRangeNotSatisfiable {
		return nil
	}
	if err != nil {
		return err
	}
	p := &part{ReadCloser: resp.Body, unknown: resp.ContentLength < 0}
	expected := b.desc.Size
	switch {
	case ranged && resp.StatusCode == http.StatusPartialContent:
		expected -= b.offset
		fits := rangeFits(resp.Header.Get("Content-Range"), b.offset, b.desc.Size)
		if !fits || !p.unknown && resp.ContentLength != expected {
			resp.Body.Close()
			return nil
		}
		b.skip = 0
	case resp.StatusCode == http.StatusOK:
		b.skip = b.offset
		p.framed = len(resp.TransferEncoding) > 0 || resp.ProtoMajor >= 2
		if !p.unknown && resp.ContentLength != expected {
			resp.Body.Close()
			b.servedBy(s)
			return b.mismatch(resp.ContentLength)
		}
	default:
		resp.Body.Close()
		return broken(s.ep.Name, b.what(), "GET answered "+strconv.Itoa(resp.StatusCode))
	}
	b.body = p
	b.servedBy(s)
	return nil
}

// servedBy remembers who sends, for messages and statistics.
func (b *blob) servedBy(s *source) {
	if len(b.servers) == 0 || b.servers[len(b.servers)-1] != s.ep.Name {
		b.servers = append(b.servers, s.ep.Name)
		b.r.c.served(s)
	}
}

// rangeFits checks a Content-Range header, "bytes FIRST-LAST/SIZE" in which SIZE
// can be "*" (RFC 9110, 14.4), against the bytes that are still wanted.
func rangeFits(header string, offset, size int64) bool {
	rest, unit := strings.CutPrefix(header, "bytes ")
	span, total, slash := strings.Cut(rest, "/")
	first, last, dash := strings.Cut(span, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	if !unit || !slash || !dash || err != nil || err2 != nil {
		return false
	}
	return from == offset && to == size-1 && (total == "*" || total == strconv.FormatInt(size, 10))
}
