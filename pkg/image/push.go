package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// PushOptions are what an image is made of, and how it is sent.
type PushOptions struct {
	Options
	Tag    string // set last; "" for none
	DryRun bool   // send nothing

	Memory *Memory                                              // what is known of layers; what is read is added
	Open   func(repository string) (registry.Repository, error) // opens the repository of a release, as the lock names it
	// Copies names repositories that may hold a repository's blobs too, its mirrors,
	// as HOST/PATH; may be nil.
	Copies   func(repository string) []string
	FromBase registry.Repository // where the base's layers are; needed with Base

	// Sign signs the index, after it was sent and before any tag names it. Nil:
	// nothing is signed.
	Sign func(ctx context.Context, desc ocispec.Descriptor) error

	Temp   string      // folder for what is fetched and packed
	Events func(Event) // called from several goroutines; may be nil
}

// Stage is what an Event is about.
type Stage string

// The stages.
const (
	Fetching Stage = "fetching"
	Packing  Stage = "packing"
	Sending  Stage = "sending"
	There    Stage = "there" // the repository has it, or was given it by another
)

// Event is progress of one subject. Done and Total are bytes.
type Event struct {
	Stage       Stage
	Subject     string
	Done, Total int64
}

func (o PushOptions) event(e Event) {
	if o.Events != nil {
		o.Events(e)
	}
}

// progress tells how far a subject has come.
func (o PushOptions) progress(s Stage, subject string, total int64) func(done int64) {
	return func(done int64) { o.event(Event{s, subject, done, total}) }
}

// Report is what Push did, or would do.
type Report struct {
	*Image
	Repository string
	Tag        string
	DryRun     bool

	registry.Traffic
}

// SignError says that an image was sent and not signed.
type SignError struct {
	Repository string
	Digest     digest.Digest
	Err        error
}

func (e *SignError) Error() string {
	return fmt.Sprintf("%s@%s: was sent and is not signed, so no tag was set: %v", e.Repository, e.Digest, e.Err)
}

func (e *SignError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *SignError) Unwrap() error    { return e.Err }

// Push makes the image of a lock and sends it: blobs first, then the manifests, the
// index, its signature and last the tag, so that no reader ever sees half of it.
// Only what is missing is sent; a blob that another repository of the registry has
// is taken over from there. Where Build fails, nothing is sent. Errors: Build's
// but *UnknownError, *TakenError, *LayerError, *SignError, the repositories', the disk's.
func Push(ctx context.Context, to registry.Target, l *lockfile.Lock, o PushOptions) (*Report, error) {
	dir, remove, err := disk.Disk{}.TempFolder(o.Temp, "schemahero-image-")
	if err != nil {
		return nil, err
	}
	defer remove()
	s := &sending{workshop: newWorkshop(dir, o), to: to}
	if err := s.checkPlace(l); err != nil {
		return nil, err
	}
	img, err := s.build(ctx, l)
	if err != nil {
		return nil, err
	}
	s.report = &Report{Image: img, Repository: to.Name(), Tag: o.Tag, DryRun: o.DryRun}
	if o.DryRun {
		return s.report, nil
	}
	return s.report, s.send(ctx)
}

// sending is one image on its way to a repository.
type sending struct {
	*workshop
	to registry.Target

	mu     sync.Mutex // guards report
	report *Report
}

func (s *sending) send(ctx context.Context) error {
	img := s.report.Image
	moves, err := s.checkTag(ctx)
	if err != nil {
		return err
	}
	blobs := s.blobs(img)
	err = parallel.EachUntil(ctx, len(blobs), atOnce, func(i int) error { return s.blob(ctx, blobs[i]) })
	if err != nil {
		return err
	}
	err = parallel.EachUntil(ctx, len(img.Parts), atOnce, func(i int) error {
		return s.manifest(ctx, img.Parts[i].Manifest, img.Parts[i].Data)
	})
	if err != nil {
		return err
	}
	if s.o.Sign != nil || s.o.Tag == "" {
		if err := s.manifest(ctx, img.Index, img.Data); err != nil {
			return err
		}
	}
	if s.o.Sign != nil {
		if err := s.o.Sign(ctx, img.Index); err != nil {
			return &SignError{s.to.Name(), img.Index.Digest, err}
		}
	}
	if !moves {
		return nil
	}
	return s.put(ctx, img.Index, img.Data, s.o.Tag)
}

// manifest sends a manifest under its digest, unless it is there.
func (s *sending) manifest(ctx context.Context, desc ocispec.Descriptor, data []byte) error {
	there, err := s.to.Exists(ctx, desc)
	if there || err != nil {
		return err
	}
	return s.put(ctx, desc, data)
}

func (s *sending) put(ctx context.Context, desc ocispec.Descriptor, data []byte, tags ...string) error {
	if err := s.to.PushManifest(ctx, desc, data, tags...); err != nil {
		return err
	}
	s.count(func(r *Report) { r.BytesSent += desc.Size })
	return nil
}

func (s *sending) count(f func(*Report)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.report)
}

// blob is one of an image.
type blob struct {
	desc  ocispec.Descriptor // as a blob
	title string
	from  string // the repository that has it; "" for what was made here
	open  func(ctx context.Context) (io.ReadCloser, error)
}

// blobs lists those of an image, each once.
func (s *sending) blobs(img *Image) (all []blob) {
	seen := map[digest.Digest]bool{}
	add := func(b blob) {
		if !seen[b.desc.Digest] {
			seen[b.desc.Digest] = true
			all = append(all, b)
		}
	}
	made := func(desc ocispec.Descriptor, data []byte, title string) {
		add(blob{artifact.AsBlob(desc.Digest, desc.Size), title, "", func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		}})
	}
	for i := range img.Parts {
		p := &img.Parts[i]
		for _, desc := range p.Base {
			desc = artifact.AsBlob(desc.Digest, desc.Size)
			add(blob{desc, "layer of the base", s.o.FromBase.Name(), func(ctx context.Context) (io.ReadCloser, error) {
				return s.o.FromBase.Blob(ctx, desc)
			}})
		}
		for _, l := range p.Layers {
			if l.Packed {
				add(blob{artifact.AsBlob(l.Desc.Digest, l.Desc.Size), l.Locked.File, "", func(ctx context.Context) (io.ReadCloser, error) {
					return s.openPacked(ctx, l)
				}})
			} else {
				add(blob{l.blob(), l.Locked.File, l.Repository, func(ctx context.Context) (io.ReadCloser, error) {
					return s.openLayer(ctx, l)
				}})
			}
		}
		if len(p.Links) > 0 {
			made(p.LinkDesc, p.LinkData, "links for "+p.Platform.String())
		}
		made(p.Config, p.Settings, "config for "+p.Platform.String())
	}
	return all
}

// openLayer opens a locked layer, if it was fetched or at its source.
func (s *sending) openLayer(ctx context.Context, l Layer) (io.ReadCloser, error) {
	if f, err := os.Open(s.file(l, "layer")); err == nil {
		return f, nil
	}
	repo, err := s.repository(l.Repository)
	if err != nil {
		return nil, err
	}
	rc, err := repo.Blob(ctx, l.blob())
	return rc, s.about(l, err)
}

// openPacked opens what a layer was packed to, now or in an earlier run.
func (s *sending) openPacked(ctx context.Context, l Layer) (io.ReadCloser, error) {
	if f, err := os.Open(s.file(l, "packed")); err == nil {
		return f, nil
	}
	packed, err := s.pack(ctx, l)
	if err == nil && packed.Digest != l.Desc.Digest {
		err = s.about(l, errors.New("is packed to other bytes than this home remembered: run it again"))
	}
	if err != nil {
		return nil, err
	}
	return os.Open(s.file(l, "packed"))
}

// blob brings a blob to the repository, from one that has it or from a copy of that
// if it can be taken over.
func (s *sending) blob(ctx context.Context, b blob) error {
	send := registry.Blob{Desc: b.desc, Open: b.open, Told: s.o.progress(Sending, b.title, b.desc.Size)}
	if b.from != "" {
		send.From = []string{b.from}
		if s.o.Copies != nil {
			send.From = append(send.From, s.o.Copies(b.from)...)
		}
	}
	way, err := registry.Bring(ctx, s.to, send)
	if err != nil {
		return err
	}
	if way != registry.Sent {
		s.o.event(Event{There, b.title, b.desc.Size, b.desc.Size})
	}
	s.count(func(r *Report) { r.Add(way, b.desc.Size) })
	return nil
}
