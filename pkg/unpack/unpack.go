// Package unpack finds a driver's executable in the bytes of a layer, which
// are hostile until shown otherwise: it takes one regular file and refuses
// whatever could mean more than that.
//
// A layer is an archive of one executable, or the bare executable, as it is or
// compressed with gzip or zstd. Which it is can be told from its first bytes,
// and is: a lock names no media type.
package unpack

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

const (
	// maxWindow is the memory a zstd frame may ask for, in bytes. RFC 8878,
	// 3.1.1.1.2, recommends that decoders support 8 MiB, and encoders ask for
	// no more.
	maxWindow   = 8 << 20
	maxDecoders = 2
	block       = 512 // of a tar
)

// Error says why a layer is refused.
type Error struct{ Reason string }

func (e *Error) Error() string    { return e.Reason }
func (e *Error) Kind() fault.Kind { return fault.Integrity }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Driver says which executable is looked for.
type Driver struct {
	Name     string
	Platform artifact.Platform
	Size     int64  // of the layer, bytes
	File     string // the layer's title
}

// archived reports whether a layer's title promises an archive.
func archived(title string) bool {
	for _, ext := range [...]string{".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"} {
		if strings.HasSuffix(title, ext) {
			return true
		}
	}
	return false
}

// Bare reports whether a file is what it seems, an executable that is neither
// packed nor compressed, by its title and its first bytes; 512 are enough.
func Bare(title string, head []byte) bool {
	return !archived(title) && packing(head) == "" && !isTar(head)
}

// Compressed reports whether a layer is, by its first bytes; 4 are enough.
func Compressed(head []byte) bool { return packing(head) != "" }

// Unpacker extracts layers. Several goroutines may use it.
type Unpacker struct {
	// decoders are those not in use; nil stands for one not made yet. With
	// windows of 8 MiB each, their number bounds memory: without a free one, Extract waits.
	decoders chan *zstd.Decoder
}

// New returns an Unpacker.
func New() *Unpacker {
	u := &Unpacker{make(chan *zstd.Decoder, maxDecoders)}
	for range maxDecoders {
		u.decoders <- nil
	}
	return u
}

// Extract reads the layer r to its end and writes the executable to w. By its
// return w may have got bytes of a layer that is then refused. Errors: those of
// r and w as they are, and *Error for everything else.
func (u *Unpacker) Extract(r io.Reader, w io.ReaderFrom, d Driver) error { return u.open(r, w, d, nil) }

// Into is any writer as what a driver is extracted to.
type Into struct{ io.Writer }

// ReadFrom implements io.ReaderFrom.
func (w Into) ReadFrom(r io.Reader) (int64, error) { return io.Copy(w.Writer, r) }

// open reads a layer, with whoever looks on.
func (u *Unpacker) open(r io.Reader, w io.ReaderFrom, d Driver, o *observer) error {
	from, to := &source{r: r}, &sink{w: w}
	err := u.extract(from, to, d, o)
	switch {
	case err == nil:
		return nil
	case from.err != nil:
		return from.err
	case to.err != nil:
		return to.err
	}
	return describe(err)
}

func (u *Unpacker) extract(r io.Reader, w io.ReaderFrom, d Driver, o *observer) error {
	layer := bufio.NewReaderSize(r, 64<<10)
	content, kind, done, err := u.inflate(layer)
	if err != nil {
		return err
	}
	defer done()
	// The room for a second sniff, of what was compressed.
	inner := bufio.NewReaderSize(o.content(&limited{content, limit(d.Size), d.Size}), 32<<10)
	head, err := inner.Peek(block)
	if err != nil && err != io.EOF {
		return err
	}
	if inside := packing(head); inside != "" {
		if kind == "" {
			return refuse("is compressed with %s, which is not supported", inside)
		}
		return refuse("is compressed twice")
	}
	switch {
	case isTar(head):
		headers, err := untar(o.tar(inner), w, d, o)
		if err == nil {
			o.archive(kind, headers)
		}
		return err
	case archived(d.File):
		return refuse("is not a tar archive, though its name says so")
	default:
		return bare(inner, w)
	}
}

func bare(r io.Reader, w io.ReaderFrom) error {
	n, err := w.ReadFrom(r)
	if err == nil && n == 0 {
		return refuse("is empty")
	}
	return err
}

// inflate returns the content of a stream, and how that was compressed: "gzip",
// "zstd" or "". done frees what that took.
func (u *Unpacker) inflate(r *bufio.Reader) (content io.Reader, kind string, done func(), err error) {
	head, err := r.Peek(4)
	if err != nil && err != io.EOF {
		return nil, "", nil, err
	}
	switch kind := packing(head); kind {
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, "", nil, err
		}
		return z, kind, func() { z.Close() }, nil
	case "zstd":
		content, done, err = u.zstd(r)
		return content, kind, done, err
	}
	return r, "", func() {}, nil
}

func (u *Unpacker) zstd(r io.Reader) (content io.Reader, done func(), err error) {
	z := <-u.decoders
	if z == nil {
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
	}
	if err == nil {
		err = z.Reset(r)
	}
	if err != nil {
		u.decoders <- nil
		return nil, nil, err
	}
	return z, func() {
		if z.Reset(nil) != nil { // which lets go of r
			z = nil
		}
		u.decoders <- z
	}, nil
}

// packing returns the program by which a stream was compressed, "" for none that
// is known.
func packing(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "gzip"
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}),
		// A skippable frame (RFC 8878, 3.1.2) may come first.
		len(head) >= 4 && binary.LittleEndian.Uint32(head)&^0xf == 0x184d2a50:
		return "zstd"
	case bytes.HasPrefix(head, []byte("\xfd7zXZ")):
		return "xz"
	case bytes.HasPrefix(head, []byte("BZh")):
		return "bzip2"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "zip"
	}
	return ""
}

// isTar reports whether a block is the header of a tar's first entry, by its
// checksum, which old tars without the word "ustar" have too. (POSIX.1-1988,
// ustar interchange format: the sum of all bytes, with the checksum's own
// field as spaces.) A block of zeros is a tar that holds nothing.
func isTar(head []byte) bool {
	if len(head) < block {
		return false
	}
	if string(head[257:262]) == "ustar" || len(bytes.Trim(head, "\x00")) == 0 {
		return true
	}
	stated, err := strconv.ParseUint(strings.Trim(string(head[148:156]), " \x00"), 8, 32)
	if err != nil {
		return false
	}
	sum := uint64(8 * ' ')
	for i, c := range head {
		if i < 148 || i >= 156 {
			sum += uint64(c)
		}
	}
	return sum == stated
}
