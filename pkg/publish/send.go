package publish

import (
	"bytes"
	"context"
	"io"
	"os"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// blob is bytes to be sent, from a file or from memory.
type blob struct {
	desc  ocispec.Descriptor
	title string
	path  string // "" for data
	data  []byte
}

func (b blob) open(context.Context) (io.ReadCloser, error) {
	if b.path != "" {
		return os.Open(b.path)
	}
	return io.NopCloser(bytes.NewReader(b.data)), nil
}

// sendBlobs sends what the repository does not have, each digest once.
func (p *publication) sendBlobs(ctx context.Context) error {
	empty := ocispec.DescriptorEmptyJSON
	all := []blob{{desc: empty, title: "config", data: empty.Data}}
	seen := map[digest.Digest]bool{empty.Digest: true}
	add := func(b blob) {
		if !seen[b.desc.Digest] {
			seen[b.desc.Digest] = true
			all = append(all, b)
		}
	}
	for _, l := range p.layers {
		add(blob{desc: l.descriptor(), title: l.Title, path: l.Path})
		add(blob{desc: l.sumDescriptor(), title: l.Title + ".sha256", data: l.sum})
	}
	return parallel.EachUntil(ctx, len(all), atOnce, func(i int) error { return p.sendBlob(ctx, all[i]) })
}

func (p *publication) sendBlob(ctx context.Context, b blob) error {
	progress := Event{Stage: StageUpload, Subject: b.title, Total: b.desc.Size}
	send := registry.Blob{Desc: artifact.AsBlob(b.desc.Digest, b.desc.Size), Open: b.open, Told: func(done int64) {
		e := progress
		e.Done = done
		p.o.event(e)
	}}
	if p.from != nil {
		send.From = []string{p.from.Name()}
	}
	way, err := registry.Bring(ctx, p.to, send)
	if err != nil {
		return err
	}
	p.add(func(r *Report) { r.Add(way, b.desc.Size) })
	if way != registry.Sent {
		progress.Stage = StageSkip
	}
	progress.Done, progress.Ended = b.desc.Size, true
	p.o.event(progress)
	return nil
}

// sendManifests sends the platforms' manifests under their digests. The index
// comes with the version's tag: from then on the release is there, whole.
func (p *publication) sendManifests(ctx context.Context) error {
	parts := p.graph.parts
	return parallel.EachUntil(ctx, len(parts), atOnce, func(i int) error { return p.put(ctx, parts[i].document) })
}

// put sends a manifest under its digest, and under tags.
func (p *publication) put(ctx context.Context, d document, tags ...string) error {
	if err := p.to.PushManifest(ctx, d.desc, d.data, tags...); err != nil {
		return err
	}
	p.add(func(r *Report) { r.BytesSent += d.desc.Size * int64(max(1, len(tags))) })
	return nil
}

func (p *publication) add(f func(*Report)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p.report)
}
