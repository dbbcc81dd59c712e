package resolve

import (
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// release says what to publish; its zero value is for linux/amd64 and
// linux/arm64 and from long ago.
type release struct {
	platforms string            // separated by spaces; "" for linux/amd64 linux/arm64
	created   string            // RFC 3339; "-" for none
	requires  map[string]string // artifact.Host for the host
	salt      string            // makes other content of it
	badSum    bool              // the .sha256 layer says something else
	sum       bool              // there is a .sha256 layer
	version   string            // image.version, for floating tags
}

func (rel release) annotations() map[string]string {
	a := map[string]string{}
	if rel.created != "-" {
		a[ocispec.AnnotationCreated] = rel.created
		if rel.created == "" {
			a[ocispec.AnnotationCreated] = "2026-01-02T03:04:05Z"
		}
	}
	if rel.version != "" {
		a[ocispec.AnnotationVersion] = rel.version
	}
	for name, text := range rel.requires {
		if name == artifact.Host {
			a[artifact.AnnotationHost] = text
		} else {
			a[artifact.AnnotationRequires+name] = text
		}
	}
	return a
}

func (rel release) each(f func(p artifact.Platform)) {
	text := rel.platforms
	if text == "" {
		text = "linux/amd64 linux/arm64"
	}
	for _, s := range strings.Fields(text) {
		p, err := artifact.ParsePlatform(s)
		if err != nil {
			continue
		}
		f(p)
	}
}

// layers returns the layers of a driver for one platform.
func (r *repo) layers(name, tag string, p artifact.Platform, rel release) []ocispec.Descriptor {
	archive := []byte(name + tag + p.String() + rel.salt)
	title := func(s string) map[string]string { return map[string]string{ocispec.AnnotationTitle: s} }
	layers := []ocispec.Descriptor{{
		MediaType: "application/gzip", Digest: digest.FromBytes(archive), Size: int64(len(archive)), Annotations: title(p.Archive(name)),
	}}
	if rel.sum || rel.badSum {
		if rel.badSum {
			archive = append(archive, '!')
		}
		text := []byte(digest.FromBytes(archive).Encoded() + "  " + p.Archive(name) + "\n")
		d := digest.FromBytes(text)
		r.blobs[d] = text
		layers = append(layers, ocispec.Descriptor{MediaType: "text/plain", Digest: d, Size: int64(len(text)), Annotations: title(p.Archive(name) + ".sha256")})
	}
	return layers
}

func name(repository string) string {
	at := strings.LastIndexAny(repository, "/")
	return strings.TrimPrefix(repository[at+1:], "plugin-")
}

// index publishes a release in the index layout.
func (r *repo) index(tag string, rel release) digest.Digest {
	idx := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Annotations: rel.annotations()}
	rel.each(func(p artifact.Platform) {
		desc := r.put(r.single(tag, p, rel))
		desc.MediaType = ocispec.MediaTypeImageManifest
		desc.Platform = &ocispec.Platform{OS: p.OS, Architecture: p.Arch, Variant: p.Variant}
		idx.Manifests = append(idx.Manifests, desc)
	})
	r.tags[tag] = r.put(idx).Digest
	return r.tags[tag]
}

func (r *repo) single(tag string, p artifact.Platform, rel release) ocispec.Manifest {
	a := rel.annotations()
	a[artifact.AnnotationPlatform] = p.String()
	return ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifact.TypeSingle,
		Layers: r.layers(name(r.name), tag, p, rel), Annotations: a,
	}
}

// files publishes a release in the files layout.
func (r *repo) files(tag string, rel release) {
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifact.TypeMulti,
		Annotations: rel.annotations(),
	}
	rel.each(func(p artifact.Platform) { m.Layers = append(m.Layers, r.layers(name(r.name), tag, p, rel)...) })
	r.tags[tag] = r.put(m).Digest
}

// platformTags publishes a release in the tags layout, without a bare tag.
func (r *repo) platformTags(tag string, rel release) {
	rel.each(func(p artifact.Platform) { r.tags[tag+"-"+p.Suffix()] = r.put(r.single(tag, p, rel)).Digest })
}

// publish puts index releases of a driver without anything special.
func (r *registries) publish(name string, versions ...string) {
	for _, v := range versions {
		r.repo(official+"/"+name).index(v, release{})
	}
}
