package image

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// maxConfig is the size over which an image's config is refused, in bytes.
const maxConfig = 4 << 20

// Docker's media types, and OCI's for the same.
const dockerConfig = "application/vnd.docker.container.image.v1+json"

func ociLayer(mediaType string) string {
	switch mediaType {
	case "application/vnd.docker.image.rootfs.diff.tar":
		return ocispec.MediaTypeImageLayer
	case "application/vnd.docker.image.rootfs.diff.tar.gzip":
		return ocispec.MediaTypeImageLayerGzip
	case "application/vnd.docker.image.rootfs.diff.tar.zstd":
		return ocispec.MediaTypeImageLayerZstd
	}
	return mediaType
}

// ReadBase reads the image that reference, a tag or a digest, names in a
// repository, for those of the platforms that it has, nil for all; name is what it is called in
// errors and in what is made of it. An index, OCI's or Docker's, is followed, but
// not to the attestations in it; a manifest alone is an image for one platform.
// Errors: *BaseError for what is not an image, *artifact.DocumentError, the Reader's.
func ReadBase(ctx context.Context, r artifact.Reader, name, reference string, platforms []artifact.Platform) (*Base, error) {
	desc, data, err := r.Manifest(ctx, reference)
	if err != nil {
		return nil, err
	}
	doc, err := artifact.ParseDocument(name, desc.MediaType, data)
	if err != nil {
		return nil, err
	}
	b := &Base{Name: name, Digest: desc.Digest, stated: doc.Annotations}
	if !doc.IsIndex() {
		img, err := b.read(ctx, r, desc.Digest, doc)
		if err != nil {
			return nil, err
		}
		b.Images = []BaseImage{img}
		return b, nil
	}
	var listed []ocispec.Descriptor
	for _, d := range doc.Manifests {
		p, ok := platformOf(d.Platform)
		if !ok || !artifact.IsManifest(d.MediaType) { // an attestation is of platform unknown/unknown
			continue
		}
		if slices.ContainsFunc(b.Images, func(i BaseImage) bool { return i.Platform == p }) { // of two the first counts (image-spec, image-index)
			continue
		}
		b.Images, listed = append(b.Images, BaseImage{Platform: p, Stated: *d.Platform}), append(listed, d)
	}
	if len(b.Images) == 0 {
		return nil, &BaseError{name, "is an index without any image"}
	}
	err = parallel.EachUntil(ctx, len(listed), atOnce, func(i int) error {
		if platforms != nil && !slices.Contains(platforms, b.Images[i].Platform) {
			return nil // only that it is there is told
		}
		desc, data, err := r.Manifest(ctx, listed[i].Digest.String())
		if err != nil {
			return err
		}
		doc, err := artifact.ParseDocument(name, desc.MediaType, data)
		if err != nil {
			return err
		}
		img, err := b.read(ctx, r, desc.Digest, doc)
		listed := b.Images[i]
		if err == nil && (img.Platform.OS != listed.Platform.OS || img.Platform.Arch != listed.Platform.Arch) { // configs often lack the variant
			err = &BaseError{name, fmt.Sprintf("its index lists %s as %s, and its config says %s", desc.Digest, listed.Platform, img.Platform)}
		}
		img.Platform, img.Stated = listed.Platform, listed.Stated
		b.Images[i] = img
		return err
	})
	return b, err
}

// platformOf reads a platform that has a name, in OCI's spelling.
func platformOf(p *ocispec.Platform) (artifact.Platform, bool) {
	if p == nil {
		return artifact.Platform{}, false
	}
	q, err := artifact.ParsePlatform(strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/"))
	return q, err == nil
}

// read reads the image of a manifest.
func (b *Base) read(ctx context.Context, r artifact.Reader, manifest digest.Digest, doc *artifact.Document) (BaseImage, error) {
	refuse := func(format string, args ...any) (BaseImage, error) {
		return BaseImage{}, &BaseError{b.Name, "is not a container image: " + fmt.Sprintf(format, args...)}
	}
	if t := doc.Config.MediaType; doc.IsIndex() || t != ocispec.MediaTypeImageConfig && t != dockerConfig {
		return refuse("its config is of type %q", t)
	}
	if doc.Config.Size > maxConfig {
		return refuse("its config has %d bytes, at most %d are read", doc.Config.Size, maxConfig)
	}
	rc, err := r.Blob(ctx, doc.Config)
	if err != nil {
		return BaseImage{}, err
	}
	defer rc.Close()
	data, err := io.ReadAll(rc)
	if err != nil {
		return BaseImage{}, err
	}
	img := BaseImage{Manifest: manifest, Layers: slices.Clone(doc.Layers)}
	var stated ocispec.Platform
	if err := json.Unmarshal(data, &img.Config); err != nil {
		return refuse("its config does not parse: %v", err)
	}
	if err := json.Unmarshal(data, &stated); err != nil {
		return refuse("its config does not parse: %v", err)
	}
	var ok bool
	if img.Platform, ok = platformOf(&stated); !ok {
		return refuse("its config names the platform %q", stated.OS+"/"+stated.Architecture)
	}
	img.Stated = ocispec.Platform{OS: stated.OS, Architecture: stated.Architecture, Variant: stated.Variant}
	fs, err := rootFS(img.Config)
	if err != nil || len(fs.DiffIDs) != len(img.Layers) || slices.ContainsFunc(fs.DiffIDs, func(d digest.Digest) bool { return !artifact.IsContentDigest(d) }) {
		return refuse("its config does not name the content of its %d layers", len(img.Layers))
	}
	for i := range img.Layers {
		l := &img.Layers[i]
		if l.MediaType = ociLayer(l.MediaType); !strings.HasPrefix(l.MediaType, ocispec.MediaTypeImageLayer) {
			return refuse("it has a layer of type %q", l.MediaType)
		}
	}
	return img, nil
}
