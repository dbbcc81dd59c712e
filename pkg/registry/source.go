package registry

import (
	"context"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What entries of a layout's index.json are annotated with, beside the
// specification's org.opencontainers.image.ref.name.
const (
	// AnnotationRepository names the repository, HOST/PATH, that an entry was
	// copied from.
	AnnotationRepository = "io.schemahero.plugin.repository"
	// AnnotationTag is the tag that it had there. Without it the tag is what
	// stands behind NAME- in ref.name.
	AnnotationTag = "io.schemahero.plugin.tag"
)

// AnnotationLock is, on index.json itself, the digest of the lock at the root.
const AnnotationLock = "io.schemahero.plugin.lock"

// BundleLock is the name of the lock at a bundle's root.
const BundleLock = "schemahero-plugins.lock"

// Source is an OCI image layout, opened: a folder, or a bundle, which is a tar
// of one.
type Source interface {
	// Repositories returns the repositories that its index names, sorted.
	Repositories() []string
	// Repository returns one of them by its original name; it can be empty,
	// which reading will tell as *NotFoundError.
	Repository(name string) Repository
	// Entries returns index.json's entries, in its order.
	Entries() []ocispec.Descriptor
	// Lock returns the lock at its root, nil where there is none.
	Lock() []byte
	// File opens a file beside the blobs, such as index.json itself, and tells
	// its size in bytes. The error is fs.ErrNotExist where there is none.
	File(name string) (io.ReadCloser, int64, error)
	// Files lists what it holds, with slashes, sorted. Sealed tells whether that
	// is all: of a folder only the blobs are listed, since others keep files
	// beside them.
	Files() (names []string, sealed bool, err error)
	// Has tells whether a blob is there, and its size in bytes.
	Has(d digest.Digest) (size int64, ok bool)
	// Open opens a blob as it is, and tells its size in bytes. Errors:
	// *MissingError.
	Open(d digest.Digest) (io.ReadSeekCloser, int64, error)
	// Blob opens a blob, checked against its descriptor by the time that Read
	// returns io.EOF. Errors: *MissingError, *IntegrityError.
	Blob(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error)
	io.Closer
}

// OpenSource opens an OCI image layout, a folder or a tar of one. A tar that
// does not end in two zero blocks, and a layout that lacks a blob or the lock
// that its index names, is refused whole. Blobs are read when they are asked for, from
// where they are. Errors: *BundleError, *IntegrityError, and those of os.Open.
func OpenSource(path string) (Source, error) { return openLayout(path) }
