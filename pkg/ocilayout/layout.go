package ocilayout

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

// Layout is an OCI image layout, opened.
type Layout struct {
	path   string // for messages
	files  layoutFiles
	index  *artifact.Document
	lock   []byte
	others [][]byte
}

// layoutFiles is the place where a layout's files are. Names have slashes.
type layoutFiles interface {
	// open opens a regular file. The error is fs.ErrNotExist if there is
	// none.
	open(name string) (io.ReadSeekCloser, int64, error)
	// list returns the names as Layout.Files has them.
	list() (names []string, sealed bool, err error)
	io.Closer
}

// maxLayoutIndex is the size over which index.json and the lock are refused.
const maxLayoutIndex = 16 << 20

// Open opens an OCI image layout, a folder or a tar of one. A tar that does not
// end in two zero blocks, and a layout that lacks a blob or the lock that its index
// names, is refused whole. Blobs are read when they are asked for, from where they
// are. Errors: *Error, *artifact.IntegrityError, and those of os.Open.
func Open(path string) (*Layout, error) {
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
	l := &Layout{path: path, files: files}
	if err := l.load(); err != nil {
		files.Close()
		return nil, err
	}
	return l, nil
}

// load reads what stands beside the blobs, and checks that what the index names
// is there.
func (l *Layout) load() error {
	data, err := l.mustRead(ocispec.ImageLayoutFile)
	if err != nil {
		return err
	}
	var version ocispec.ImageLayout
	if json.Unmarshal(data, &version) != nil {
		return &Error{Path: l.path, Problem: ocispec.ImageLayoutFile + ": does not parse"}
	}
	if version.Version != ocispec.ImageLayoutVersion {
		return &Error{Path: l.path, Problem: fmt.Sprintf("is an OCI image layout of version %q, which is unknown", version.Version)}
	}
	if data, err = l.mustRead(ocispec.ImageIndexFile); err != nil {
		return err
	}
	if l.index, err = artifact.ParseDocument(ocispec.ImageIndexFile, ocispec.MediaTypeImageIndex, data); err != nil {
		return &Error{Path: l.path, Problem: err.Error()}
	}
	for _, d := range l.index.Manifests {
		size, ok := l.Has(d.Digest)
		e := &artifact.IntegrityError{Repository: d.Annotations[AnnotationRepository], ServedBy: l.path, Digest: d.Digest, Size: d.Size, GotSize: size}
		if !ok {
			e.Problem = "is named by index.json and missing"
			return e
		}
		if size != d.Size {
			return e
		}
	}
	lock, err := l.ReadFile(LockFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if lock == nil && l.index.Annotations[AnnotationLock] != "" {
		return &Error{Path: l.path, Problem: "lacks the lock that index.json names"}
	}
	l.lock = lock
	for i := 0; l.index.Annotations[AnnotationOther(i)] != ""; i++ {
		other, err := l.ReadFile(OtherFile(i))
		if errors.Is(err, fs.ErrNotExist) {
			return &Error{Path: l.path, Problem: "lacks " + OtherFile(i) + ", which index.json names"}
		}
		if err != nil {
			return err
		}
		l.others = append(l.others, other)
	}
	return nil
}

// ReadFile reads a file beside the blobs, up to a limit over which Open refuses it.
func (l *Layout) ReadFile(name string) ([]byte, error) {
	rc, size, err := l.files.open(name)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	if size > maxLayoutIndex {
		return nil, &Error{Path: l.path, Problem: name + " is too large"}
	}
	return io.ReadAll(io.LimitReader(rc, maxLayoutIndex))
}

// mustRead reads a file without which a folder or tar is not a layout.
func (l *Layout) mustRead(name string) ([]byte, error) {
	data, err := l.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = &Error{Path: l.path, Problem: "is not an OCI image layout: it has no " + name, NoLayout: true}
	}
	return data, err
}

// Repositories returns the repositories that its index names, sorted.
func (l *Layout) Repositories() (names []string) {
	for _, d := range l.index.Manifests {
		if name := d.Annotations[AnnotationRepository]; name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Index returns index.json.
func (l *Layout) Index() *artifact.Document { return l.index }

// Lock returns the lock at its root, nil if there is none.
func (l *Layout) Lock() []byte { return l.lock }

// Others returns the locks beside that, of a bundle for several projects.
func (l *Layout) Others() [][]byte { return l.others }

// File opens a file beside the blobs, such as index.json itself, and returns its size
// in bytes. The error is fs.ErrNotExist if there is none.
func (l *Layout) File(name string) (io.ReadCloser, int64, error) { return l.files.open(name) }

// Files lists what it holds, with slashes, sorted. Sealed reports whether that is all:
// of a folder only the blobs are listed, since others keep files beside them.
func (l *Layout) Files() ([]string, bool, error) { return l.files.list() }

// Close implements io.Closer.
func (l *Layout) Close() error { return l.files.Close() }

func blobFile(d digest.Digest) string {
	return ocispec.ImageBlobsDir + "/" + d.Algorithm().String() + "/" + d.Encoded()
}

// Has reports whether a blob is there, and its size in bytes.
func (l *Layout) Has(d digest.Digest) (int64, bool) {
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

// OpenBlob opens a blob as it is, and returns its size in bytes. Errors: *MissingError.
func (l *Layout) OpenBlob(d digest.Digest) (io.ReadSeekCloser, int64, error) {
	if !artifact.IsContentDigest(d) {
		return nil, 0, &MissingError{l.path, l.path, d}
	}
	content, size, err := l.files.open(blobFile(d))
	if errors.Is(err, fs.ErrNotExist) {
		err = &MissingError{l.path, l.path, d}
	}
	return content, size, err
}

// Blob opens a blob, checked against its descriptor by the time that Read returns
// io.EOF. Errors: *MissingError, *artifact.IntegrityError.
func (l *Layout) Blob(ctx context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	return l.blob(ctx, l.path, desc)
}

func (l *Layout) blob(ctx context.Context, repository string, desc ocispec.Descriptor) (io.ReadCloser, error) {
	rc, size, err := l.OpenBlob(desc.Digest)
	if missing := new(MissingError); errors.As(err, &missing) {
		missing.Repository = repository
	}
	if err != nil {
		return nil, err
	}
	v := &verified{ctx: ctx, rc: rc, hash: desc.Digest.Algorithm().Hash(), e: artifact.IntegrityError{
		Repository: repository, ServedBy: l.path, Digest: desc.Digest, Size: desc.Size, GotSize: size,
	}}
	if size != desc.Size {
		rc.Close()
		return nil, &v.e
	}
	return v, nil
}

// manifest reads a manifest or index by its digest.
func (l *Layout) manifest(ctx context.Context, repository string, d digest.Digest, mediaType string) (desc ocispec.Descriptor, data []byte, err error) {
	size, ok := l.Has(d)
	if !ok {
		return desc, nil, &MissingError{l.path, repository, d}
	}
	if size > artifact.MaxManifest {
		return desc, nil, artifact.TooLarge(repository, l.path, d, size)
	}
	rc, err := l.blob(ctx, repository, ocispec.Descriptor{Digest: d, Size: size})
	if err != nil {
		return desc, nil, err
	}
	defer rc.Close()
	data, err = io.ReadAll(rc)
	return ocispec.Descriptor{MediaType: artifact.MediaTypeOf(mediaType, data), Digest: d, Size: int64(len(data))}, data, err
}
