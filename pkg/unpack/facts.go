package unpack

import (
	"archive/tar"
	"crypto/sha256"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Facts are what a layer is to who makes it a layer of an image: there every
// entry counts, with its mode and owner, and nobody takes the one that is wanted.
type Facts struct {
	MediaType string        `json:"mediaType,omitempty"` // OCI's, by the first bytes; "" for a bare executable
	DiffID    digest.Digest `json:"diffId,omitempty"`    // of the tar; "" for a bare executable
	Entry     string        `json:"entry,omitempty"`     // the name of the file that the tar holds; "" unless that is all it holds
	Plain     bool          `json:"plain,omitempty"`     // Entry is r-x for all, not writable for others, with no special bit or attribute
	Root      bool          `json:"root,omitempty"`      // Entry belongs to user and group 0
}

// Read is Extract, and says what the layer is.
func (u *Unpacker) Read(r io.Reader, w io.ReaderFrom, d Driver) (Facts, error) {
	var f Facts
	err := u.open(r, w, d, &f)
	return f, err
}

// hashed passes a layer's content on and hashes it.
func (f *Facts) hashed(content io.Reader) (through io.Reader, sum func()) {
	hash := sha256.New()
	return io.TeeReader(content, hash), func() { f.DiffID = digest.NewDigest(digest.SHA256, hash) }
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
