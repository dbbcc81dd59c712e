package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// What releases are made of.
const (
	// TypeSingle is the artifact type of a manifest for one platform.
	TypeSingle = "application/vnd.schemahero.plugin.v1+tar"
	// TypeMulti is the artifact type of a manifest whose layers are one archive
	// for each platform.
	TypeMulti = "application/vnd.schemahero.plugin.v1.multi+tar"

	// AnnotationHost on a release is a constraint on the host's version.
	AnnotationHost = "io.schemahero.plugin.schemahero"
	// AnnotationRequires, followed by a plugin's name, is a constraint on it.
	AnnotationRequires = "io.schemahero.plugin.requires."
	// AnnotationEngines lists the engines that a driver serves, with commas.
	AnnotationEngines = "io.schemahero.plugin.engines"
	// AnnotationExecutable on a layer is the SHA-256 of the executable inside.
	AnnotationExecutable = "io.schemahero.plugin.executable"
	// AnnotationPlatform names the platform of a single-platform manifest.
	AnnotationPlatform = "org.opencontainers.image.platform"

	// MaxManifest is the size over which a manifest or index is refused, in
	// bytes (4 MiB, the limit that distribution-spec asks registries to bear).
	MaxManifest = 4 << 20
	// MaxMetadata is the size over which a .sha256 layer is refused, in bytes.
	MaxMetadata = 64 << 10

	// Host is the name under which the host stands among requirements.
	Host = "schemahero"
)

// Errors that a Reader's errors are matched against with errors.Is.
var (
	// ErrNotFound: the repository, manifest or blob does not exist.
	ErrNotFound = errors.New("not found")
	// ErrDenied: the registry refused a request that bore no credentials.
	ErrDenied = errors.New("denied without credentials")
)

// Reader reads one repository. Errors for what does not exist match
// ErrNotFound.
type Reader interface {
	// Resolve returns what a tag names, without fetching it.
	Resolve(ctx context.Context, tag string) (ocispec.Descriptor, error)
	// Manifest returns the manifest or index that reference names, a tag or a
	// digest. At most MaxManifest bytes are accepted; with a digest, the bytes
	// have been checked against it.
	Manifest(ctx context.Context, reference string) (ocispec.Descriptor, []byte, error)
	// Blob opens a blob. The bytes are checked against desc's digest and size
	// by the time that Read returns io.EOF.
	Blob(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error)
}

// Layout is one of the three forms in which releases are published.
type Layout string

// The layouts.
const (
	LayoutIndex Layout = "index" // an OCI image index, a manifest for each platform
	LayoutFiles Layout = "files" // one manifest, a titled layer for each platform
	LayoutTags  Layout = "tags"  // a tag and a manifest for each platform
)

// Release is one published version of a driver.
type Release struct {
	Name        string
	Version     string        // "" where only a tag or digest names the release and it states none
	Tag         string        // the tag for all platforms, "" if there is none
	Layout      Layout        //
	Digest      digest.Digest // of the index or manifest that Tag or the digest names; "" without either
	Created     time.Time     // zero if the release does not say
	Annotations map[string]string
	Requires    map[string]string // constraints by plugin name, Host for the host
	Offered     []Platform        // every platform that the release serves, sorted
	Builds      []Build           // of the platforms that were asked for, sorted by platform

	stated []map[string]string // annotations in which the release speaks of itself
}

// Build is a release's executable for one platform.
type Build struct {
	Platform   Platform
	Tag        string             // tags layout only: the tag for this platform
	Manifest   digest.Digest      // the manifest that lists the layer
	Layer      ocispec.Descriptor // digest, size in bytes and media type
	File       string             // the layer's title, a bare file name
	Executable digest.Digest      // of the executable inside; "" if not stated
	Sum        *ocispec.Descriptor
	Zstd       bool          // the index says that it is packed with zstd
	Other      digest.Digest // the manifest for the same platform that is packed otherwise, "" for none: see ReadOthers
}

// FormatError says why what a registry holds is not a release of a driver.
type FormatError struct {
	Subject string // what was read: a tag, a digest, a layer's title
	Problem string
}

func (e *FormatError) Error() string    { return e.Subject + ": " + e.Problem }
func (e *FormatError) Kind() fault.Kind { return fault.Integrity }

// SumError says that a layer and the .sha256 file published beside it differ.
type SumError struct {
	File     string
	Stated   string // hex, what the .sha256 file says
	Computed string // hex, the layer's digest
}

func (e *SumError) Error() string {
	return fmt.Sprintf("%s: checksum mismatch: its .sha256 says %s, the layer is %s", e.File, e.Stated, e.Computed)
}

func (e *SumError) Kind() fault.Kind { return fault.Integrity }

// Build returns the build for a platform.
func (r *Release) Build(p Platform) (Build, bool) {
	for _, b := range r.Builds {
		if b.Platform == p {
			return b, true
		}
	}
	return Build{}, false
}

// Platforms returns the platforms of Builds, sorted.
func (r *Release) Platforms() []Platform {
	out := make([]Platform, len(r.Builds))
	for i, b := range r.Builds {
		out[i] = b.Platform
	}
	return out
}
