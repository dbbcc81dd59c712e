package image

import (
	"encoding/json"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// driverFolder is where SchemaHero's host looks for drivers on a base.
const driverFolder = "usr/local/lib/schemahero/plugins"

// Base is the image on which the drivers are put. The methods of a nil Base say
// what an image without one has.
type Base struct {
	Name   string        // HOST/PATH[:TAG]
	Digest digest.Digest // of the index or manifest that was named
	Images []BaseImage   // one a platform

	stated map[string]string // annotations of what was named
}

// BaseImage is a base for one platform.
type BaseImage struct {
	Platform artifact.Platform
	Stated   ocispec.Platform     // as the index or the config has it
	Manifest digest.Digest        // of the manifest
	Layers   []ocispec.Descriptor // under the media types of OCI
	Config   map[string]json.RawMessage
}

// image returns the base for a platform; a zero one if there is no base.
func (b *Base) image(p artifact.Platform) BaseImage {
	if b == nil {
		return BaseImage{}
	}
	i := slices.IndexFunc(b.Images, func(i BaseImage) bool { return i.Platform == p })
	return b.Images[i]
}

// serves returns the wanted platforms for which there is a base, and those that are
// left out: none may be of those that were asked for by name. The lock has all.
func (b *Base) serves(wanted, all []artifact.Platform, asked bool) (has, left []artifact.Platform, err error) {
	if b == nil {
		return wanted, nil, nil
	}
	lacks := func(p artifact.Platform) bool {
		return !slices.ContainsFunc(b.Images, func(i BaseImage) bool { return i.Platform == p })
	}
	for _, p := range wanted {
		if lacks(p) {
			left = append(left, p)
		} else {
			has = append(has, p)
		}
	}
	if len(has) > 0 && (!asked || len(left) == 0) {
		return has, left, nil
	}
	e := &BasePlatformError{Name: b.Name, Wanted: left, Both: slices.DeleteFunc(slices.Clone(all), lacks)}
	for _, i := range b.Images {
		e.Has = append(e.Has, i.Platform)
	}
	return nil, nil, e
}

// folder is where the links lie.
func (b *Base) folder() string {
	if b == nil {
		return ""
	}
	return driverFolder
}

func (b *Base) root() digest.Digest {
	if b == nil {
		return ""
	}
	return b.Digest
}

// platform is what the index says of a platform.
func (b *Base) platform(p artifact.Platform) *ocispec.Platform {
	if b == nil {
		return &ocispec.Platform{OS: p.OS, Architecture: p.Arch, Variant: p.Variant}
	}
	stated := b.image(p).Stated
	return &stated
}

// annotations name the base (image-spec, "Pre-Defined Annotation Keys"): an index
// the base's index, a manifest the base's manifest.
func (b *Base) annotations(of digest.Digest) map[string]string {
	if b == nil {
		return nil
	}
	return map[string]string{ocispec.AnnotationBaseImageName: b.Name, ocispec.AnnotationBaseImageDigest: of.String()}
}

// config makes an image's config: the base's with what was added, else the least
// that there can be. It has a history only if the base has one: tools count its
// entries.
func (b *Base) config(p artifact.Platform, diffs []digest.Digest, notes []string) (ocispec.Descriptor, []byte, error) {
	if b == nil {
		c := map[string]any{
			"architecture": p.Arch, "os": p.OS, "config": struct{}{},
			"rootfs": ocispec.RootFS{Type: "layers", DiffIDs: diffs},
		}
		if p.Variant != "" {
			c["variant"] = p.Variant
		}
		return document(c, ocispec.MediaTypeImageConfig)
	}
	c := map[string]any{}
	for key, value := range b.image(p).Config {
		c[key] = value
	}
	rootfs, err := rootFS(b.image(p).Config)
	if err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	rootfs.DiffIDs = append(rootfs.DiffIDs, diffs...)
	c["rootfs"] = rootfs
	var history []json.RawMessage
	if err := json.Unmarshal(b.image(p).Config["history"], &history); err == nil && len(history) > 0 {
		for _, note := range notes {
			history = append(history, json.RawMessage(`{"created_by":"kubectl schemahero plugin image push","comment":"`+note+`"}`))
		}
		c["history"] = history
	}
	return document(c, ocispec.MediaTypeImageConfig)
}

func rootFS(config map[string]json.RawMessage) (fs ocispec.RootFS, err error) {
	return fs, json.Unmarshal(config["rootfs"], &fs)
}
