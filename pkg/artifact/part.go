package artifact

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// part is a manifest as fetched: of one platform, or of all in the files
// layout.
type part struct {
	*Document
	digest   digest.Digest
	platform Platform // if the manifest says so itself
	guessed  bool     // platform is only what the layout has it be
}

// manifest fetches the manifest of one platform.
func (rd *reading) manifest(reference string) (*part, error) {
	desc, data, err := rd.r.Manifest(rd.ctx, reference)
	if err != nil {
		return nil, err
	}
	doc, err := ParseDocument(reference, desc.MediaType, data)
	if err != nil {
		return nil, err
	}
	if doc.IsIndex() {
		return nil, &FormatError{reference, "is an index where a manifest for one platform should be"}
	}
	return newPart(desc.Digest, doc), nil
}

func newPart(d digest.Digest, doc *Document) *part {
	p := &part{Document: doc, digest: d}
	p.platform, _ = ParsePlatform(p.Annotations[AnnotationPlatform])
	return p
}

// titled returns a build for each layer that is titled as the archive or the
// executable of the driver for a platform, the first for each. Other layers are
// metadata, whatever their media type.
func (p *part) titled(name string) []Build {
	var builds []Build
	seen := map[Platform]bool{}
	for i, l := range p.Layers {
		before, platform, ok := titlePlatform(FileName(l))
		if ok && before == "schemahero-"+name && !seen[platform] {
			seen[platform] = true
			builds = append(builds, p.build(name, i, platform, ""))
		}
	}
	return builds
}

// single returns the build of a manifest for one platform: the layer titled
// for it, else the only one that can be meant. A layer or annotation that names
// another platform is believed rather than installed.
func (p *part) single(name string, platform Platform, tag string) (Build, error) {
	exact, near, rest := -1, -1, []int(nil)
	for i, l := range p.Layers {
		before, titled, ok := titlePlatform(FileName(l))
		switch {
		case ok && !titled.compatible(platform):
		case ok && before == "schemahero-"+name:
			if titled == platform && exact < 0 {
				exact = i
			} else if near < 0 {
				near = i
			}
		case !isMetadata(l):
			rest = append(rest, i)
		}
	}
	at := exact
	if at < 0 {
		at = near
	}
	if at < 0 {
		reference := cmp.Or(tag, p.digest.String())
		if !p.platform.IsZero() && !p.platform.compatible(platform) {
			return Build{}, &FormatError{reference, fmt.Sprintf("is offered for %s and says that it is for %s", platform, p.platform)}
		}
		if p.isImage() { // whose layers are not drivers', however few they are
			return Build{}, &FormatError{reference, "is not a release of " + name + ": it is " + p.What()}
		}
		if len(rest) != 1 {
			return Build{}, &FormatError{reference, fmt.Sprintf("no layer is titled %s, and %d others could be meant: it is %s", platform.Archive(name), len(rest), p.What())}
		}
		at = rest[0]
	}
	return p.build(name, at, platform, tag), nil
}

func (p *part) build(name string, at int, platform Platform, tag string) Build {
	l := p.Layers[at]
	b := Build{Platform: platform, Tag: tag, Manifest: p.digest}
	b.File = cmp.Or(FileName(l), untitled(l.MediaType, name, platform))
	b.Layer = ocispec.Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size}
	if hex := strings.TrimPrefix(l.Annotations[AnnotationExecutable], "sha256:"); hex != "" {
		b.Executable = digest.NewDigestFromEncoded(digest.SHA256, hex)
	}
	title := func(l ocispec.Descriptor) string { return l.Annotations[ocispec.AnnotationTitle] }
	for _, s := range p.Layers { // the one beside it before one in another folder
		beside := title(s) == title(l)+".sha256"
		if beside || b.Sum == nil && FileName(s) == b.File+".sha256" {
			b.Sum = &ocispec.Descriptor{MediaType: s.MediaType, Digest: s.Digest, Size: s.Size}
		}
		if beside {
			break
		}
	}
	return b
}

// untitled names a layer that has no title: an archive's name for what its
// media type says is one, else the executable's.
func untitled(mediaType, name string, platform Platform) string {
	for _, word := range []string{"tar", "gzip", "zstd"} {
		if strings.Contains(mediaType, word) {
			return platform.Archive(name)
		}
	}
	return "schemahero-" + name + "-" + platform.Suffix()
}
