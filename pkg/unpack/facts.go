package unpack

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Facts are what a layer is to who makes it a layer of an image: there every
// entry counts, with its mode and owner, and nobody takes the one that is wanted.
type Facts struct {
	MediaType string        `json:"mediaType,omitempty"` // OCI's, by the first bytes; "" for a bare executable
	DiffID    digest.Digest `json:"diffId,omitempty"`    // of the tar; "" for a bare executable, and if it was not asked for
	Entry     string        `json:"entry,omitempty"`     // the name of the file that the tar holds; "" unless that is all it holds
	Plain     bool          `json:"plain,omitempty"`     // Entry is r-x for all, not writable for others, with no special bit or attribute
	Root      bool          `json:"root,omitempty"`      // Entry belongs to user and group 0
	Frame     *Frame        `json:"frame,omitempty"`     // in place of DiffID
}

// Complete reports whether the facts are all there: the digest of a tar that holds a
// file alone is among them, or what it takes to make it.
func (f Facts) Complete() bool { return f.Entry == "" || f.DiffID != "" || f.Frame != nil }

// Frame is all of a tar but the file in it, so that the tar's digest can be told
// without the tar.
type Frame struct {
	Head []byte `json:"head"` // what comes before the file
	Tail int64  `json:"tail"` // how many zeros come after it
}

// DiffID returns the digest of the tar around an executable.
func (f *Frame) DiffID(executable io.Reader) (digest.Digest, error) {
	if f.Tail < 0 || f.Tail > maxFrame {
		return "", refuse("has %d bytes after its file", f.Tail)
	}
	hash := sha256.New()
	hash.Write(f.Head)
	if _, err := io.Copy(hash, executable); err != nil {
		return "", err
	}
	hash.Write(make([]byte, f.Tail))
	return digest.NewDigest(digest.SHA256, hash), nil
}

// Read is Extract, and says what the layer is. Without sum it costs no more than
// Extract does: the facts have a Frame in place of the DiffID.
func (u *Unpacker) Read(r io.Reader, w io.ReaderFrom, d Driver, sum bool) (Facts, error) {
	var f Facts
	o := &observer{facts: &f}
	if sum {
		o.hash = sha256.New()
	}
	err := u.open(r, w, d, o)
	return f, err
}

// observer finds out what a layer is while it is read. A nil one looks at nothing.
type observer struct {
	facts *Facts
	hash  hash.Hash // nil if only the frame is wanted

	r     io.Reader // the tar
	part  int       // of the tar, that is read
	frame Frame
	other bool // the tar is more than a frame and a file
}

// The parts of a tar.
const (
	partHead = iota
	partFile
	partTail
)

// maxFrame bounds a tar's head and tail, in bytes: what programs write is 512 and
// up to 20 KiB.
const maxFrame = 64 << 10

// content returns what shall be read in place of a layer's content.
func (o *observer) content(r io.Reader) io.Reader {
	if o == nil || o.hash == nil {
		return r
	}
	return io.TeeReader(r, o.hash)
}

// tar returns what shall be read in place of a tar.
func (o *observer) tar(r io.Reader) io.Reader {
	if o == nil || o.hash != nil {
		return r
	}
	o.r = r
	return o
}

// next says that another part of the tar begins.
func (o *observer) next() {
	if o != nil {
		o.part++
	}
}

// Read implements io.Reader, on the tar.
func (o *observer) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	switch {
	case o.other:
	case o.part == partHead:
		o.frame.Head = append(o.frame.Head, p[:n]...)
		o.other = len(o.frame.Head) > maxFrame
	case o.part == partTail:
		o.frame.Tail += int64(n)
		o.other = o.frame.Tail > maxFrame || len(bytes.Trim(p[:n], "\x00")) > 0
	}
	return n, err
}

// archive notes how a tar was compressed, and what it holds: headers are all that
// it has.
func (o *observer) archive(kind string, headers []*tar.Header) {
	if o == nil {
		return
	}
	o.facts.packedWith(kind)
	o.facts.holds(headers)
	switch {
	case o.hash != nil:
		o.facts.DiffID = digest.NewDigest(digest.SHA256, o.hash)
	case o.facts.Entry != "" && !o.other:
		frame := o.frame // on its own: o leads to the readers and all their buffers
		o.facts.Frame = &frame
	}
}

// packedWith notes the media type of a tar that was compressed, or was not.
func (f *Facts) packedWith(kind string) {
	switch kind {
	case "gzip":
		f.MediaType = ocispec.MediaTypeImageLayerGzip
	case "zstd":
		f.MediaType = ocispec.MediaTypeImageLayerZstd
	default:
		f.MediaType = ocispec.MediaTypeImageLayer
	}
}

// holds notes what an archive holds: headers are all that it has.
func (f *Facts) holds(headers []*tar.Header) {
	if len(headers) != 1 || headers[0].Typeflag != tar.TypeReg {
		return
	}
	h := headers[0]
	f.Entry, f.Root = h.Name, h.Uid == 0 && h.Gid == 0
	f.Plain = h.Mode&0o555 == 0o555 && h.Mode&0o002 == 0 && h.Mode&0o7000 == 0
	for key := range h.PAXRecords {
		// What else there may be are attributes, access lists and flags, each under
		// the names of several programs.
		f.Plain = f.Plain && strings.Contains(" path size uid gid uname gname mtime atime ctime comment ", " "+key+" ")
	}
}

// List calls each with the header of every entry of a layer of size bytes, until
// that returns false. Nothing of it is checked beside how far it expands. Errors:
// those of r, and *Error for what is no archive.
func (u *Unpacker) List(r io.Reader, size int64, each func(*tar.Header) bool) error {
	from := &source{r: r}
	err := u.list(from, size, each)
	switch {
	case from.err != nil:
		return from.err
	case err != nil:
		return describe(err)
	}
	return nil
}

func (u *Unpacker) list(r io.Reader, size int64, each func(*tar.Header) bool) error {
	content, _, done, err := u.inflate(bufio.NewReaderSize(r, 32<<10))
	if err != nil {
		return err
	}
	defer done()
	t := tar.NewReader(&limited{content, limit(size), size})
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n == maxEntries {
			return refuse("holds more than %d files", maxEntries)
		}
		if !each(h) {
			return nil
		}
	}
}
