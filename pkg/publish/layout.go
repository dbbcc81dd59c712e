package publish

import (
	"maps"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// layer is an archive as a manifest lists it, with the text beside it.
type layer struct {
	Archive
	sum  []byte // text of the .sha256 file
	zstd bool   // the index says so
	sbom []byte // what is in the executable, nil where that is not known
}

func (l layer) descriptor() ocispec.Descriptor {
	d := ocispec.Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size,
		Annotations: map[string]string{ocispec.AnnotationTitle: l.Title}}
	if l.Executable != "" {
		d.Annotations[artifact.AnnotationExecutable] = l.Executable.String()
	}
	return d
}

func (l layer) sumDescriptor() ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: "text/plain", Digest: digest.FromBytes(l.sum), Size: int64(len(l.sum)),
		Annotations: map[string]string{ocispec.AnnotationTitle: l.Title + ".sha256"}}
}

// document is a manifest or index, and what names it.
type document struct {
	desc ocispec.Descriptor
	data []byte
}

// part is a platform's manifest.
type part struct {
	document
	platform artifact.Platform
	zstd     bool
	manifest ocispec.Manifest
}

// graph is a release as it is sent.
type graph struct {
	document
	annotations map[string]string
	parts       []part // in order
}

// compare orders parts: gzip's before zstd's, since whoever knows none takes the
// first for a platform; each in the order of the platforms.
func (p part) compare(q part) int {
	switch {
	case p.zstd == q.zstd:
		return p.platform.Compare(q.platform)
	case q.zstd:
		return -1
	}
	return 1
}

// same reports whether two parts are one platform's, packed alike.
func (p part) same(q part) bool { return p.compare(q) == 0 }

func (p part) String() string {
	if p.zstd {
		return p.platform.String() + " (zstd)"
	}
	return p.platform.String()
}

// tagged are the parts that the platforms' tags name: each platform's first.
func (g *graph) tagged() (out []part) {
	for _, p := range g.parts {
		if !slices.ContainsFunc(out, func(q part) bool { return p.platform == q.platform }) {
			out = append(out, p)
		}
	}
	return out
}

// build makes the index layout of layers. The descriptors inside the index bear no
// title: such a one would be written to disk as a file by oras and by the host.
func build(layers []layer, annotations map[string]string) (*graph, error) {
	g := &graph{annotations: annotations}
	index := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		ArtifactType: artifact.TypeSingle, Annotations: annotations,
	}
	for _, l := range layers {
		p := part{platform: l.Platform, zstd: l.zstd, manifest: ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
			ArtifactType: artifact.TypeSingle, Config: ocispec.DescriptorEmptyJSON,
			Layers:      []ocispec.Descriptor{l.descriptor(), l.sumDescriptor()},
			Annotations: maps.Clone(annotations),
		}}
		p.manifest.Annotations[artifact.AnnotationPlatform] = l.Platform.String()
		var err error
		if p.document, err = encode(p.manifest.MediaType, p.manifest); err != nil {
			return nil, err
		}
		g.parts = append(g.parts, p)
	}
	slices.SortFunc(g.parts, part.compare)
	for _, p := range g.parts {
		entry := p.desc
		entry.ArtifactType = artifact.TypeSingle
		entry.Platform = &ocispec.Platform{OS: p.platform.OS, Architecture: p.platform.Arch, Variant: p.platform.Variant}
		if p.zstd {
			entry.Annotations = map[string]string{artifact.AnnotationZstd: "true"}
		}
		index.Manifests = append(index.Manifests, entry)
	}
	var err error
	g.document, err = encode(index.MediaType, index)
	return g, err
}

func encode(mediaType string, v any) (document, error) {
	data, err := artifact.EncodeDocument(v, "")
	return document{ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}, data}, err
}
