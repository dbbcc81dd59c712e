package artifact_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// repository is a registry's repository in memory. It counts what is asked.
type repository struct {
	t     testing.TB
	tags  map[string]digest.Digest
	types map[digest.Digest]string
	blobs map[digest.Digest][]byte

	mu   sync.Mutex
	gets []string // references of manifests, in the order of asking
	head []string // tags resolved
}

func newRepository(t testing.TB) *repository {
	return &repository{t: t, tags: map[string]digest.Digest{}, types: map[digest.Digest]string{}, blobs: map[digest.Digest][]byte{}}
}

func (r *repository) find(reference string) (ocispec.Descriptor, error) {
	d := digest.Digest(reference)
	if !strings.Contains(reference, ":") {
		d = r.tags[reference]
	}
	data, ok := r.blobs[d]
	if !ok {
		return ocispec.Descriptor{}, fmt.Errorf("%s: %w", reference, artifact.ErrNotFound)
	}
	return ocispec.Descriptor{MediaType: r.types[d], Digest: d, Size: int64(len(data))}, nil
}

func (r *repository) Resolve(_ context.Context, tag string) (ocispec.Descriptor, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.head = append(r.head, tag)
	return r.find(tag)
}

func (r *repository) Manifest(_ context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gets = append(r.gets, reference)
	desc, err := r.find(reference)
	return desc, r.blobs[desc.Digest], err
}

func (r *repository) Blob(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	data, ok := r.blobs[desc.Digest]
	if !ok {
		return nil, artifact.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// blob stores bytes and returns their descriptor.
func (r *repository) blob(mediaType, data string) ocispec.Descriptor {
	d := digest.FromString(data)
	r.blobs[d] = []byte(data)
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))}
}

// layer is blob with a title, if it has any.
func (r *repository) layer(mediaType, title, data string) ocispec.Descriptor {
	l := r.blob(mediaType, data)
	if title != "" {
		l.Annotations = map[string]string{ocispec.AnnotationTitle: title}
	}
	return l
}

// archive is a layer with an archive of plugin x for a platform.
func (r *repository) archive(platform string) ocispec.Descriptor {
	r.t.Helper()
	p, err := artifact.ParsePlatform(platform)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.layer("application/gzip", p.Archive("x"), "archive for "+platform)
}

// raw stores a manifest, under a tag if there is one.
func (r *repository) raw(tag, mediaType, data string) ocispec.Descriptor {
	desc := r.blob(mediaType, data)
	r.types[desc.Digest] = mediaType
	if tag != "" {
		r.tags[tag] = desc.Digest
	}
	return desc
}

func (r *repository) manifest(tag, artifactType string, annotations map[string]string, layers ...ocispec.Descriptor) ocispec.Descriptor {
	return r.raw(tag, ocispec.MediaTypeImageManifest, r.encode(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: artifactType,
		Config:       ocispec.DescriptorEmptyJSON,
		Layers:       layers,
		Annotations:  annotations,
	}))
}

func (r *repository) index(tag string, annotations map[string]string, manifests ...ocispec.Descriptor) ocispec.Descriptor {
	return r.raw(tag, ocispec.MediaTypeImageIndex, r.encode(ocispec.Index{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispec.MediaTypeImageIndex,
		Manifests:   manifests,
		Annotations: annotations,
	}))
}

// on gives a descriptor the platform that an index lists it for.
func on(platform string, d ocispec.Descriptor) ocispec.Descriptor {
	parts := append(strings.Split(platform, "/"), "")
	d.Platform = &ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
	return d
}

func (r *repository) encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

// read reads version 0.1.0 of plugin x by the tags that the repository has.
func (r *repository) read() (*artifact.Release, error) {
	r.t.Helper()
	return artifact.Read(r.t.Context(), r, "x", r.candidate())
}

func (r *repository) candidate() artifact.Candidate {
	r.t.Helper()
	var tags []string
	for tag := range r.tags {
		tags = append(tags, tag)
	}
	for _, c := range artifact.Candidates(tags) {
		if c.Version.String() == "0.1.0" {
			return c
		}
	}
	r.t.Fatalf("no 0.1.0 among %q", tags)
	return artifact.Candidate{}
}

// told writes a release as a test wants to see it, a line for each build.
func told(rel *artifact.Release) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s version=%s tag=%s", rel.Layout, rel.Version, rel.Tag)
	if rel.Digest == "" {
		b.WriteString(" no digest")
	}
	for _, build := range rel.Builds {
		fmt.Fprintf(&b, "\n%s tag=%s file=%s", build.Platform, build.Tag, build.File)
		if build.Sum != nil {
			b.WriteString(" sum")
		}
		if build.Other != "" {
			b.WriteString(" other")
		}
	}
	return b.String()
}
