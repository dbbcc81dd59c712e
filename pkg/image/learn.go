package image

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// LayerError says for which locked layer something failed.
type LayerError struct {
	Plugin   string
	Platform artifact.Platform
	Layer    digest.Digest
	Err      error
}

func (e *LayerError) Error() string {
	subject := e.Plugin + " for " + e.Platform.String() + ": "
	if errors.As(e.Err, new(*unpack.Error)) { // which does not name it
		return subject + "layer " + e.Layer.String() + " " + e.Err.Error()
	}
	return subject + e.Err.Error()
}

func (e *LayerError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *LayerError) Unwrap() error    { return e.Err }

// atOnce is how many layers are read, and requests made, at a time.
const atOnce = 4

// workshop reads locked layers, and packs again those that cannot stand in an
// image as they are. What it has fetched it keeps in a folder, so that nothing is
// fetched twice.
type workshop struct {
	o        PushOptions
	dir      string
	unpacker *unpack.Unpacker

	mu     sync.Mutex
	opened map[string]registry.Repository
}

func newWorkshop(dir string, o PushOptions) *workshop {
	return &workshop{o: o, dir: dir, unpacker: unpack.New(), opened: map[string]registry.Repository{}}
}

// build makes the image, and reads what has to be known for that.
func (w *workshop) build(ctx context.Context, l *lockfile.Lock) (*Image, error) {
	for {
		img, err := Build(l, w.o.Memory, w.o.Options)
		unknown, ok := errors.AsType[*UnknownError](err)
		if !ok {
			return img, err
		}
		err = parallel.EachUntil(ctx, len(unknown.Layers), atOnce, func(i int) error {
			u := unknown.Layers[i]
			if u.Facts {
				return w.about(u.Layer, w.read(ctx, u.Layer))
			}
			_, err := w.pack(ctx, u.Layer)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
}

func (w *workshop) about(l Layer, err error) error {
	if err == nil {
		return nil
	}
	return &LayerError{l.Plugin, l.Locked.Platform, l.Locked.Layer, err}
}

// repository opens a release's repository, once.
func (w *workshop) repository(name string) (registry.Repository, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.opened[name]; r != nil {
		return r, nil
	}
	r, err := w.o.Open(name)
	if err == nil {
		w.opened[name] = r
	}
	return r, err
}

// file is where a layer lies once it was fetched; with the driver's name and the
// platform, since two drivers may share a layer.
func (w *workshop) file(l Layer, what string) string {
	return filepath.Join(w.dir, l.Plugin+"-"+l.Locked.Platform.Suffix()+"-"+what)
}

func driver(l Layer) unpack.Driver {
	return unpack.Driver{Name: l.Plugin, Platform: l.Locked.Platform, Size: l.Locked.Size, File: l.Locked.File}
}

// read fetches a layer into a file, and remembers what it is.
func (w *workshop) read(ctx context.Context, l Layer) error {
	repo, err := w.repository(l.Repository)
	if err != nil {
		return err
	}
	src, err := repo.Blob(ctx, l.blob())
	if err != nil {
		return err
	}
	defer src.Close()
	out, err := os.Create(w.file(l, "layer"))
	if err != nil {
		return err
	}
	defer out.Close()
	in := io.TeeReader(registry.Watched(ctx, src, w.o.progress(Fetching, l.Locked.File, l.Locked.Size)), out)
	executable := sha256.New()
	facts, broken := w.unpacker.Read(in, unpack.Into{Writer: executable}, driver(l), true)
	// Of a layer that was not understood, the rest still shows whether these are the
	// bytes that the lock pins: the better answer.
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	if broken != nil {
		return broken
	}
	if sum := digest.NewDigest(digest.SHA256, executable); l.Locked.Executable != "" && sum != l.Locked.Executable {
		return &unpack.Error{Reason: fmt.Sprintf("holds the executable %s, locked is %s", sum, l.Locked.Executable)}
	}
	if err := out.Close(); err != nil {
		return err
	}
	w.o.Memory.Learn(l.Locked.Layer, facts)
	return nil
}

func (l Layer) blob() ocispec.Descriptor { return artifact.AsBlob(l.Locked.Layer, l.Locked.Size) }

// pack packs a layer's executable as push does, in a file, and remembers what came
// out.
func (w *workshop) pack(ctx context.Context, l Layer) (Packed, error) {
	if _, err := os.Stat(w.file(l, "layer")); err != nil {
		if err := w.read(ctx, l); err != nil {
			return Packed{}, w.about(l, err)
		}
	}
	packed, err := w.repack(ctx, l)
	if err == nil {
		w.o.Memory.LearnPacked(l.Locked.Layer, l.Plugin, l.Locked.Platform, packed)
	}
	return packed, w.about(l, err)
}

func (w *workshop) repack(ctx context.Context, l Layer) (Packed, error) {
	w.o.event(Event{Stage: Packing, Subject: l.Plugin + " for " + l.Locked.Platform.String()})
	in, err := os.Open(w.file(l, "layer"))
	if err != nil {
		return Packed{}, err
	}
	defer in.Close()
	executable, err := os.Create(w.file(l, "executable"))
	if err != nil {
		return Packed{}, err
	}
	defer disk.Discard(executable.Name())
	defer executable.Close()
	if err := w.unpacker.Extract(registry.Watched(ctx, in, nil), executable, driver(l)); err != nil {
		return Packed{}, err
	}
	size, err := executable.Seek(0, io.SeekCurrent)
	if err != nil {
		return Packed{}, err
	}
	if _, err := executable.Seek(0, io.SeekStart); err != nil {
		return Packed{}, err
	}
	out, err := os.Create(w.file(l, "packed"))
	if err != nil {
		return Packed{}, err
	}
	defer out.Close()
	p, err := pack.Write(out, registry.Watched(ctx, executable, nil), size, pack.EntryName(l.Plugin, l.Locked.Platform), pack.Gzip)
	return Packed{Digest: p.Digest, Size: p.Size, DiffID: p.Tar}, errors.Join(err, out.Close())
}
