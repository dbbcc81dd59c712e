package registry

import (
	"context"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Repository is one repository of a registry, layout or bundle, to be read: through
// the mirrors that the Client knows for it.
//
// Errors of all methods: *NotFoundError, *AuthError, *UnreachableError,
// *TLSError, *SchemeError, *StatusError, *ProtocolError, *artifact.IntegrityError,
// *OfflineError, and the context's.
type Repository interface {
	// Reader reads manifests and blobs. A manifest asked for by digest comes
	// from the cache if it is there. A blob's reader resumes after
	// a cut and returns *artifact.IntegrityError in place of io.EOF if the bytes are
	// not those that the descriptor promises.
	artifact.Reader

	// Name returns the repository as a lock records it, HOST/PATH without tag,
	// never a mirror's.
	Name() string

	// Tags calls page with the tags in the registry's order, some at a time.
	// The slice is the callee's to keep. An error of page ends the listing and
	// is returned. A repository without tags may be a *NotFoundError, as
	// registries differ.
	Tags(ctx context.Context, page func(tags []string) error) error

	// Referrers returns what refers to a digest, by the referrers API or else
	// the fallback tag sha256-HEX (distribution-spec, "Listing Referrers"). At
	// most MaxReferrers are returned; if there are more, together with a
	// *LimitError.
	Referrers(ctx context.Context, subject digest.Digest) ([]ocispec.Descriptor, error)

	// ReferrersFrom is Referrers without the sources, mirrors and last the
	// repository itself, before one, counted from 0: for a caller who finds nothing
	// useful in what those before it have. next is the source after the one that has
	// any; if that is from, there are no more.
	ReferrersFrom(ctx context.Context, subject digest.Digest, from int) (list []ocispec.Descriptor, next int, err error)

	// ReferrersNear is Referrers by the word of the first source that answers, as
	// for tags: who reads through a mirror that knows of none does not wait for an
	// origin that was not asked before, and may be out of reach.
	ReferrersNear(ctx context.Context, subject digest.Digest) ([]ocispec.Descriptor, error)
}

// Target is a repository of a registry, to be written to: itself, and no mirror.
// Errors: those of a Repository.
type Target interface {
	Repository

	// Exists reports whether the repository itself, no mirror, holds a blob or
	// manifest; the media type says which of the two it is.
	Exists(ctx context.Context, desc ocispec.Descriptor) (bool, error)

	// PushBlob uploads a blob that is not there yet. open is called once for
	// each try.
	PushBlob(ctx context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error

	// Mount takes a blob over from another repository of the same registry,
	// named HOST/PATH, and returns false if the registry would not, or if
	// it is another one.
	Mount(ctx context.Context, desc ocispec.Descriptor, from string) (bool, error)

	// PushManifest uploads a manifest or index under its digest, or under each
	// of tags. If it has a subject and the registry has no referrers API,
	// the fallback tag is updated too.
	PushManifest(ctx context.Context, desc ocispec.Descriptor, data []byte, tags ...string) error

	// RemoveReferrer deletes a manifest that refers to a digest, and takes it out of
	// the fallback tag if the registry has no referrers API. If it has one and
	// deletes nothing, the error is a *NotSupportedError.
	RemoveReferrer(ctx context.Context, subject, referrer digest.Digest) error
}

// MaxReferrers is how many referrers of a digest are listed.
const MaxReferrers = 1000
