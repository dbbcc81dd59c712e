package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// layout is an OCI image layout
// (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md).
type layout struct {
	path  string // for messages
	files layoutFiles
	index *artifact.Document
	lock  []byte
}

// layoutFiles is the place where a layout's files are. Names have slashes.
type layoutFiles interface {
	// open opens a regular file. The error is fs.ErrNotExist where there is
	// none.
	open(name string) (io.ReadSeekCloser, int64, error)
	// list returns the names as Source.Files has them.
	list() (names []string, sealed bool, err error)
	io.Closer
}

// maxLayoutIndex is the size over which index.json and the lock are refused.
const maxLayoutIndex = 16 << 20

func openLayout(path string) (*layout, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	var files layoutFiles
	if info.IsDir() {
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, err
		}
		files = folder{root}
	} else if files, err = openTar(path); err != nil {
		return nil, err
	}
	l := &layout{path: path, files: files}
	if err := l.load(); err != nil {
		files.Close()
		return nil, err
	}
	return l, nil
}

// load reads what stands beside the blobs, and checks that what the index names
// is there.
func (l *layout) load() error {
	data, err := l.mustRead(ocispec.ImageLayoutFile)
	if err != nil {
		return err
	}
	var version ocispec.ImageLayout
	if json.Unmarshal(data, &version) != nil {
		return &BundleError{File: l.path, Problem: ocispec.ImageLayoutFile + ": does not parse"}
	}
	if version.Version != ocispec.ImageLayoutVersion {
		return &BundleError{File: l.path, Problem: fmt.Sprintf("is an OCI image layout of version %q, which is unknown", version.Version)}
	}
	if data, err = l.mustRead(ocispec.ImageIndexFile); err != nil {
		return err
	}
	if l.index, err = artifact.ParseDocument(ocispec.ImageIndexFile, ocispec.MediaTypeImageIndex, data); err != nil {
		return &BundleError{File: l.path, Problem: err.Error()}
	}
	for _, d := range l.index.Manifests {
		size, ok := l.Has(d.Digest)
		e := &IntegrityError{Repository: d.Annotations[AnnotationRepository], ServedBy: l.path, Digest: d.Digest, Size: d.Size, GotSize: size}
		if !ok {
			e.Problem = "is named by index.json and missing"
			return e
		}
		if size != d.Size {
			return e
		}
	}
	lock, err := l.read(BundleLock)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if lock == nil && l.index.Annotations[AnnotationLock] != "" {
		return &BundleError{File: l.path, Problem: "lacks the lock that index.json names"}
	}
	l.lock = lock
	return nil
}

func (l *layout) read(name string) ([]byte, error) {
	rc, size, err := l.files.open(name)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	if size > maxLayoutIndex {
		return nil, &BundleError{File: l.path, Problem: name + " is too large"}
	}
	return io.ReadAll(io.LimitReader(rc, maxLayoutIndex))
}

// mustRead reads a file without which a folder or tar is no layout.
func (l *layout) mustRead(name string) ([]byte, error) {
	data, err := l.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = &BundleError{File: l.path, Problem: "is no OCI image layout: it has no " + name, NoBundle: true}
	}
	return data, err
}

// Repositories implements Source.
func (l *layout) Repositories() (names []string) {
	for _, d := range l.index.Manifests {
		if name := d.Annotations[AnnotationRepository]; name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Entries implements Source.
func (l *layout) Entries() []ocispec.Descriptor { return slices.Clone(l.index.Manifests) }

// Lock implements Source.
func (l *layout) Lock() []byte { return l.lock }

// File implements Source.
func (l *layout) File(name string) (io.ReadCloser, int64, error) { return l.files.open(name) }

// Files implements Source.
func (l *layout) Files() ([]string, bool, error) { return l.files.list() }

// Close implements Source.
func (l *layout) Close() error { return l.files.Close() }

func blobFile(d digest.Digest) string {
	return ocispec.ImageBlobsDir + "/" + d.Algorithm().String() + "/" + d.Encoded()
}

// Has implements Source.
func (l *layout) Has(d digest.Digest) (int64, bool) {
	if !artifact.IsContentDigest(d) {
		return 0, false
	}
	rc, size, err := l.files.open(blobFile(d))
	if err != nil {
		return 0, false
	}
	rc.Close()
	return size, true
}

// Open implements Source.
func (l *layout) Open(d digest.Digest) (io.ReadSeekCloser, int64, error) {
	if err := checkDigest(l.path, d); err != nil {
		return nil, 0, err
	}
	content, size, err := l.files.open(blobFile(d))
	if errors.Is(err, fs.ErrNotExist) {
		err = &MissingError{l.path, l.path, d}
	}
	return content, size, err
}

// Blob implements Source.
func (l *layout) Blob(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	return l.blob(ctx, l.path, desc)
}

func (l *layout) blob(ctx context.Context, repository string, desc ocispec.Descriptor) (io.ReadCloser, error) {
	if err := checkDescriptor(repository, desc); err != nil {
		return nil, err
	}
	rc, size, err := l.files.open(blobFile(desc.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &MissingError{l.path, repository, desc.Digest}
	}
	if err != nil {
		return nil, err
	}
	v := &verified{ctx: ctx, rc: rc, hash: desc.Digest.Algorithm().Hash(), e: IntegrityError{
		Repository: repository, ServedBy: l.path, Digest: desc.Digest, Size: desc.Size, GotSize: size,
	}}
	if size != desc.Size {
		rc.Close()
		return nil, &v.e
	}
	return v, nil
}

// manifest reads a manifest or index by its digest.
func (l *layout) manifest(ctx context.Context, repository string, d digest.Digest, mediaType string) (manifest, error) {
	size, ok := l.Has(d)
	if !ok {
		return manifest{}, &MissingError{l.path, repository, d}
	}
	if size > artifact.MaxManifest {
		return manifest{}, &IntegrityError{Repository: repository, ServedBy: l.path, Digest: d, Size: artifact.MaxManifest, GotSize: size, Problem: tooLarge()}
	}
	rc, err := l.blob(ctx, repository, ocispec.Descriptor{Digest: d, Size: size})
	if err != nil {
		return manifest{}, err
	}
	defer rc.Close()
	data, err := io.ReadAll(rc)
	if err != nil {
		return manifest{}, err
	}
	return newManifest(d, data, mediaType), nil
}
