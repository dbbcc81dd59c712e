// Package image makes the image of a lock: an OCI image for each of its linux
// platforms, whose layers are the locked layers by their own digests, with one
// layer more of links from the names under which the host looks to the files in
// them. Mounted as a volume, or put on the image of SchemaHero's manager, it is
// what a cluster runs.
//
// The image is a pure function of the lock, of what is known about its layers, and
// of the base if there is one: Build asks nobody and is the same everywhere.
package image

import (
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// Known is what is known of locked layers, by what was read of them before.
type Known interface {
	// Layer says what a layer is.
	Layer(layer digest.Digest) (unpack.Facts, bool)
	// Packed says what a layer becomes when it is packed again for a driver and a
	// platform.
	Packed(layer digest.Digest, name string, p artifact.Platform) (Packed, bool)
}

// Packed is a layer that was packed again.
type Packed struct {
	Digest digest.Digest `json:"digest"`
	Size   int64         `json:"size"` // bytes
	DiffID digest.Digest `json:"diffId"`
}

// Options change which image is made.
type Options struct {
	Platforms []artifact.Platform // nil: every linux platform of the lock
	Base      *Base               // nil: the image holds the drivers alone
}

// Image is the image of a lock.
type Image struct {
	Index ocispec.Descriptor
	Data  []byte // of the index
	Parts []Part // sorted by platform
	// Left are the lock's platforms for which the base has no image.
	Left []artifact.Platform
}

// Part is the image for one platform.
type Part struct {
	Platform artifact.Platform
	Manifest ocispec.Descriptor
	Data     []byte // of the manifest
	Config   ocispec.Descriptor
	Settings []byte               // of the config
	Base     []ocispec.Descriptor // the base's layers, under the media types of OCI
	Layers   []Layer              // the drivers', in the lock's order
	Links    []Link               // sorted by their path
	LinkDesc ocispec.Descriptor   // of the layer that holds Links; no digest if there are none
	LinkData []byte
	Lacks    []string // drivers that have no release for this platform, unless it was asked for
}

// Layer is one driver in an image.
type Layer struct {
	Plugin     string
	Version    string
	Repository string // of the release
	Locked     lockfile.Platform
	Desc       ocispec.Descriptor // in the image: the locked layer, or what it was packed to
	DiffID     digest.Digest
	Entry      string // the file in it
	Packed     bool   // it is not the locked layer itself
}

// Link is a relative symbolic link in an image.
type Link struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

// Digest returns the digest of the lock's image: what `image push` prints. Errors:
// those of Build.
func Digest(l *lockfile.Lock, known Known, o Options) (digest.Digest, error) {
	img, err := Build(l, known, o)
	if err != nil {
		return "", err
	}
	return img.Index.Digest, nil
}

// Build makes the image of a lock. Errors: *UnknownError with every layer of which
// not all is known, *NoPlatformError, *PathError, *BaseError.
func Build(l *lockfile.Lock, known Known, o Options) (*Image, error) {
	platforms, err := Platforms(l, o.Platforms)
	if err != nil {
		return nil, err
	}
	all, err := Platforms(l, nil)
	if err != nil {
		return nil, err
	}
	img := &Image{}
	platforms, img.Left, err = o.Base.serves(platforms, all, o.Platforms != nil)
	if err != nil {
		return nil, err
	}
	unknown := &UnknownError{}
	for _, p := range platforms {
		part, err := o.part(l, known, p, unknown)
		if err != nil {
			return nil, err
		}
		if o.Platforms != nil && len(part.Lacks) > 0 {
			return nil, &NoPlatformError{Platform: p, Lack: part.Lacks}
		}
		img.Parts = append(img.Parts, part)
	}
	if len(unknown.Layers) > 0 {
		return nil, unknown
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for i := range img.Parts {
		p := &img.Parts[i]
		if err := o.write(p); err != nil {
			return nil, err
		}
		listed := p.Manifest
		listed.Platform = o.Base.platform(p.Platform)
		index.Manifests = append(index.Manifests, listed)
	}
	index.Annotations = o.Base.annotations(o.Base.root())
	img.Index, img.Data, err = document(index, index.MediaType)
	return img, err
}

// Platforms returns the linux platforms for which a lock has any driver, or those
// of them that are wanted, sorted. The error is a *NoPlatformError.
func Platforms(l *lockfile.Lock, wanted []artifact.Platform) ([]artifact.Platform, error) {
	has := map[artifact.Platform]bool{}
	for _, p := range l.Plugins {
		for _, q := range p.Platforms {
			if q.Platform.OS == "linux" {
				has[q.Platform] = true
			}
		}
	}
	all := slices.SortedFunc(maps.Keys(has), artifact.Platform.Compare)
	if len(all) == 0 {
		return nil, &NoPlatformError{}
	}
	if wanted == nil {
		return all, nil
	}
	for _, p := range wanted {
		if !has[p] {
			return nil, &NoPlatformError{Platform: p, Has: all}
		}
	}
	wanted = slices.SortedFunc(slices.Values(wanted), artifact.Platform.Compare)
	return slices.Compact(wanted), nil
}

// part decides what stands in the image for a platform.
func (o Options) part(l *lockfile.Lock, known Known, p artifact.Platform, unknown *UnknownError) (Part, error) {
	part := Part{Platform: p}
	owners := owners{}
	folder := o.Base.folder()
	for i := range l.Plugins {
		plugin := &l.Plugins[i]
		locked, ok := plugin.Platform(p)
		if !ok {
			part.Lacks = append(part.Lacks, plugin.Name)
			continue
		}
		layer := Layer{Plugin: plugin.Name, Version: plugin.Version, Repository: plugin.Repository, Locked: locked}
		if missing := layer.learn(known, o.Base != nil); missing != 0 {
			unknown.Layers = append(unknown.Layers, Unknown{Layer: layer, Facts: missing == noFacts})
			continue
		}
		part.Layers = append(part.Layers, layer)
		if err := owners.add(plugin.Name, layer.Entry); err != nil {
			return part, err
		}
		links := linksTo(folder, layer.Entry, plugin.Name, plugin.Aliases)
		for _, link := range links {
			if err := owners.add(plugin.Name, link.Path); err != nil {
				return part, err
			}
		}
		part.Links = append(part.Links, links...)
	}
	slices.SortFunc(part.Links, func(a, b Link) int { return strings.Compare(a.Path, b.Path) })
	return part, nil
}

// What is not known of a layer.
const (
	noFacts  = 1 + iota // what it is
	noPacked            // what it becomes
)

// learn fills in what a layer is in the image.
func (l *Layer) learn(known Known, based bool) (missing int) {
	f, ok := known.Layer(l.Locked.Layer)
	if !ok {
		return noFacts
	}
	if fits(f, l.Plugin, l.Locked.Platform, based) {
		l.Desc = ocispec.Descriptor{MediaType: f.MediaType, Digest: l.Locked.Layer, Size: l.Locked.Size}
		l.DiffID, l.Entry = f.DiffID, f.Entry
		return 0
	}
	packed, ok := known.Packed(l.Locked.Layer, l.Plugin, l.Locked.Platform)
	if !ok {
		return noPacked
	}
	l.Desc = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: packed.Digest, Size: packed.Size}
	l.DiffID, l.Entry, l.Packed = packed.DiffID, pack.EntryName(l.Plugin, l.Locked.Platform), true
	return 0
}

// fits reports whether a layer can stand in an image as it is. Everything else in
// it would stand there too: an entry usr/bin/kubectl-schemahero would be the host,
// a setuid bit would count, and who cannot read a driver downloads another one. On
// a base the drivers lie where programs run, so they are to be root's; and one
// named schemahero-NAME in the working directory is what the host finds first and
// cannot start.
func fits(f unpack.Facts, name string, p artifact.Platform, based bool) bool {
	if f.DiffID == "" || !f.Plain || based && !f.Root {
		return false
	}
	withPlatform := []string{pack.EntryName(name, p), p.Executable(name) + "-" + p.OS + "-" + p.Arch}
	return slices.Contains(withPlatform, f.Entry) || !based && f.Entry == p.Executable(name)
}

// owners are the paths of an image, each with the driver that put something there.
type owners map[string]string

func (o owners) add(plugin, path string) error {
	if other, taken := o[path]; taken {
		return &PathError{Path: path, Plugins: [2]string{other, plugin}}
	}
	o[path] = plugin
	return nil
}

// write makes the bytes of a part.
func (o Options) write(p *Part) error {
	base := o.Base.image(p.Platform)
	p.Base = base.Layers
	layers := base.Layers
	diffs := []digest.Digest{}
	notes := []string{}
	for _, l := range p.Layers {
		layers, diffs = append(layers[:len(layers):len(layers)], l.Desc), append(diffs, l.DiffID)
		notes = append(notes, "driver "+l.Plugin)
	}
	if len(p.Links) > 0 {
		data, desc, diff, err := packLinks(p.Links)
		if err != nil {
			return err
		}
		p.LinkData, p.LinkDesc = data, desc
		layers, diffs = append(layers, desc), append(diffs, diff)
		notes = append(notes, "links to the drivers")
	}
	var err error
	if p.Config, p.Settings, err = o.Base.config(p.Platform, diffs, notes); err != nil {
		return err
	}
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: p.Config, Layers: layers, Annotations: o.Base.annotations(base.Manifest),
	}
	p.Manifest, p.Data, err = document(m, m.MediaType)
	return err
}

// document writes JSON and describes it.
func document(v any, mediaType string) (ocispec.Descriptor, []byte, error) {
	data, err := artifact.EncodeDocument(v, "")
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}, data, err
}
