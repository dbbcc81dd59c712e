package image

import (
	"archive/tar"
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// Found is an image of drivers as a registry has it.
type Found struct {
	Digest     digest.Digest // of what was named
	BaseName   string        // "" where the drivers are on no other image
	BaseDigest string
	Parts      []FoundPart // sorted by platform
}

// FoundPart is the image for one platform.
type FoundPart struct {
	Platform artifact.Platform
	Manifest digest.Digest
	Layers   []FoundLayer // the drivers'
	Links    []Link
}

// FoundLayer is a driver in an image.
type FoundLayer struct {
	Plugin string
	Desc   ocispec.Descriptor
	DiffID digest.Digest
	Entry  string
}

// Inspect reads what is an image of drivers. Nothing in it says so, for that would
// be another image for every word: it is known by what its last layers hold, of
// which no more is read than their first bytes. The error is a *BaseError where it
// is none, else the Reader's.
func Inspect(ctx context.Context, r artifact.Reader, name, reference string) (*Found, error) {
	images, err := ReadBase(ctx, r, name, reference, nil)
	if err != nil {
		return nil, err
	}
	found := &Found{
		Digest:   images.Digest,
		BaseName: images.stated[ocispec.AnnotationBaseImageName], BaseDigest: images.stated[ocispec.AnnotationBaseImageDigest],
	}
	slices.SortFunc(images.Images, func(a, b BaseImage) int { return a.Platform.Compare(b.Platform) })
	drivers := false
	for _, img := range images.Images {
		part, err := img.drivers(ctx, r)
		if err != nil {
			return nil, err
		}
		drivers = drivers || len(part.Layers) > 0
		found.Parts = append(found.Parts, part)
	}
	if !drivers {
		return nil, &BaseError{name, "holds no drivers"}
	}
	return found, nil
}

// drivers reads the layers from the last one on, up to the first that is the base's.
func (img BaseImage) drivers(ctx context.Context, r artifact.Reader) (FoundPart, error) {
	part := FoundPart{Platform: img.Platform, Manifest: img.Manifest}
	fs, err := rootFS(img.Config)
	if err != nil {
		return part, err
	}
	for i := len(img.Layers) - 1; i >= 0; i-- {
		desc := img.Layers[i]
		entry, links, err := peek(ctx, r, desc)
		if err != nil {
			return part, err
		}
		switch {
		case len(links) > 0 && i == len(img.Layers)-1:
			part.Links = links
		case entry != "":
			name := strings.TrimPrefix(entry, "schemahero-")
			name = strings.TrimSuffix(strings.TrimSuffix(name, "-"+img.Platform.Suffix()), "-"+img.Platform.OS+"-"+img.Platform.Arch)
			part.Layers = append(part.Layers, FoundLayer{name, desc, fs.DiffIDs[i], entry})
		default:
			i = 0
		}
	}
	slices.Reverse(part.Layers)
	return part, nil
}

// peek tells of which driver a layer is, or which links it holds; neither for a
// layer of something else.
func peek(ctx context.Context, r artifact.Reader, desc ocispec.Descriptor) (entry string, links []Link, err error) {
	rc, err := r.Blob(ctx, asBlob(desc.Digest, desc.Size))
	if err != nil {
		return "", nil, err
	}
	defer rc.Close()
	err = unpack.New().List(rc, desc.Size, func(h *tar.Header) bool {
		driver := strings.HasPrefix(path.Base(h.Name), "schemahero-")
		switch {
		case driver && h.Typeflag == tar.TypeSymlink:
			links = append(links, Link{h.Name, h.Linkname})
			return true
		case driver && h.Typeflag == tar.TypeReg && h.Name == path.Base(h.Name):
			entry = h.Name
		}
		return false
	})
	if errors.As(err, new(*unpack.Error)) { // somebody else's
		return "", nil, nil
	}
	return entry, links, err
}
