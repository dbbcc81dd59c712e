package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// sender writes one release to a target.
type sender struct {
	t      Target
	o      Options
	mu     sync.Mutex // guards report
	report *Report

	beside   *PublishedError // another publisher of the version was met; nil for none
	replaces digest.Digest   // what Options.Force puts the version's tag off; "" for nothing
}

// blob is bytes to be sent, from a file or from memory.
type blob struct {
	desc  ocispec.Descriptor
	title string
	path  string // "" for data
	data  []byte
}

func (b blob) open() (io.ReadCloser, error) {
	if b.path != "" {
		return os.Open(b.path)
	}
	return io.NopCloser(bytes.NewReader(b.data)), nil
}

// blobs sends what the repository does not have, each digest once.
func (s *sender) blobs(ctx context.Context, layers []layer, from Source) error {
	empty := ocispec.DescriptorEmptyJSON
	all := []blob{{desc: empty, title: "config", data: empty.Data}}
	for _, l := range layers {
		sum := l.sumDescriptor()
		all = append(all, blob{desc: l.descriptor(), title: l.Title, path: l.Path},
			blob{desc: sum, title: l.Title + ".sha256", data: l.sum})
	}
	seen := map[digest.Digest]bool{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.o.parallel())
	for _, b := range all {
		if seen[b.desc.Digest] {
			continue
		}
		seen[b.desc.Digest] = true
		g.Go(func() error { return s.blob(ctx, b, from) })
	}
	return g.Wait()
}

func (s *sender) blob(ctx context.Context, b blob, from Source) error {
	// A blob is a blob whatever a manifest calls it: without annotations, and
	// under no media type that would make the target look for a manifest.
	desc := ocispec.Descriptor{MediaType: "application/octet-stream", Digest: b.desc.Digest, Size: b.desc.Size}
	switch there, err := s.t.Exists(ctx, desc); {
	case err != nil:
		return err
	case there:
		s.add(func(r *Report) { r.Skipped++ })
		s.o.event(Event{Stage: StageSkip, Subject: b.title, Done: desc.Size, Total: desc.Size, Ended: true})
		return nil
	}
	if from != nil && from.Name() != s.t.Name() {
		granted, err := s.t.Mount(ctx, desc, from.Name())
		if err != nil {
			return err
		}
		if granted {
			s.add(func(r *Report) { r.Mounted++ })
			s.o.event(Event{Stage: StageSkip, Subject: b.title, Done: desc.Size, Total: desc.Size, Ended: true})
			return nil
		}
	}
	err := s.t.PushBlob(ctx, desc, func() (io.ReadCloser, error) {
		rc, err := b.open()
		if err != nil {
			return nil, err
		}
		done := int64(0) // a new try begins from nothing
		return struct {
			io.Reader
			io.Closer
		}{&reader{ctx: ctx, r: rc, seen: func(n int) {
			done += int64(n)
			s.o.event(Event{Stage: StageUpload, Subject: b.title, Done: done, Total: desc.Size})
		}}, rc}, nil
	})
	if err != nil {
		return err
	}
	s.add(func(r *Report) { r.Blobs++; r.Sent += desc.Size })
	s.o.event(Event{Stage: StageUpload, Subject: b.title, Done: desc.Size, Total: desc.Size, Ended: true})
	return nil
}

// manifests sends the platforms' manifests under their digests. The index
// comes with the version's tag: from then on the release is there, whole.
func (s *sender) manifests(ctx context.Context, g *graph) error {
	parts, ctx := errgroup.WithContext(ctx)
	parts.SetLimit(s.o.parallel())
	for _, p := range g.parts {
		parts.Go(func() error { return s.put(ctx, p.document) })
	}
	return parts.Wait()
}

// sign has the index signed, which for that is sent under its digest.
func (s *sender) sign(ctx context.Context, g *graph) error {
	if s.o.Sign == nil || s.o.DryRun {
		return nil
	}
	if !s.report.Kept {
		if err := s.put(ctx, g.document); err != nil {
			return err
		}
	}
	if err := s.o.Sign(ctx, g.desc); err != nil {
		out := &SignError{Repository: s.t.Name(), Digest: g.desc.Digest, Err: err}
		if s.report.Kept {
			out.Tag = s.report.Tag
		}
		return out
	}
	return nil
}

// SignError says that a release was sent and not signed.
type SignError struct {
	Repository string
	Digest     digest.Digest
	Tag        string // that names it since before; "" where none does
	Err        error
}

func (e *SignError) Error() string {
	if e.Tag != "" {
		return fmt.Sprintf("%s@%s: was published as %s before, and is not signed now: %v", e.Repository, e.Digest, e.Tag, e.Err)
	}
	return fmt.Sprintf("%s@%s: was sent and is not signed, so no tag was set: %v", e.Repository, e.Digest, e.Err)
}

// Kind is that of Err.
func (e *SignError) Kind() fault.Kind { return fault.Of(e.Err) }

func (e *SignError) Unwrap() error { return e.Err }

// put sends a manifest under its digest, and under tags.
func (s *sender) put(ctx context.Context, d document, tags ...string) error {
	if err := s.t.PushManifest(ctx, d.desc, d.data, tags...); err != nil {
		return err
	}
	s.add(func(r *Report) { r.Sent += d.desc.Size * int64(max(1, len(tags))) })
	return nil
}

func (s *sender) add(f func(*Report)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.report)
}
