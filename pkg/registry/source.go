package registry

import (
	"context"
	"errors"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// AnnotationRepository on an entry of a layout's index.json names the
// repository, HOST/PATH, that it was copied from.
const AnnotationRepository = "io.schemahero.plugin.repository"

// Source is a layout or bundle, opened.
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
	// Has tells whether a blob is there, and its size in bytes.
	Has(d digest.Digest) (size int64, ok bool)
	// Blob opens a blob, checked against its descriptor by the time that Read
	// returns io.EOF. Errors: *NotFoundError, *IntegrityError.
	Blob(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error)
	io.Closer
}

// OpenSource opens an OCI image layout, a folder or a tar of one. A tar that
// does not end in two zero blocks, or lacks a blob that its index names, is
// refused whole. Errors: *BundleError, *IntegrityError, and those of os.Open.
func OpenSource(path string) (Source, error) { return nil, errors.ErrUnsupported }
