package artifact

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Docker's media types of what OCI calls index and manifest; registries that
// convert on the way may answer with them.
const (
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// IsIndex tells whether a media type is an index's.
func IsIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList
}

// IsManifest tells whether a media type is a manifest's.
func IsManifest(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageManifest || mediaType == dockerManifest
}

// Read fetches what the tags of a candidate name and returns the release. The
// version is the tag's. Platform tags are looked at only where there is no tag
// for all platforms, or where it names a manifest for a single platform.
// Errors: the Reader's, *FormatError.
func Read(ctx context.Context, r Reader, name string, c Candidate) (*Release, error) {
	rel := &Release{Name: name, Version: c.Version.String(), Tag: c.Tag, Layout: LayoutTags}
	rd := reading{ctx: ctx, r: r, rel: rel}
	var bare *part
	if c.Tag != "" {
		root, err := rd.root(c.Tag)
		if err != nil {
			return nil, err
		}
		if root == nil { // index or files: complete
			return rel, nil
		}
		bare = root
	}
	parts := make([]*part, len(c.Platforms))
	err := each(len(parts), func(i int) (err error) {
		parts[i], err = rd.platformTag(c.Platforms[i], bare)
		if errors.Is(err, ErrNotFound) {
			return nil // deleted since the tags were listed
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		if p == nil {
			continue
		}
		if err := rd.single(p, c.Platforms[i].Platform, c.Platforms[i].Tag); err != nil {
			return nil, err
		}
	}
	if bare != nil {
		if _, ok := rel.Build(bare.platform); !ok {
			if err := rd.single(bare, bare.platform, c.Tag); err != nil {
				return nil, err
			}
		}
	}
	return rel, rd.finish(cmp.Or(c.Tag, rel.Version))
}

// ReadReference is Read for a floating tag or a digest; the version is what
// the release states of itself, if it does. A manifest for a single platform
// is a release for that platform alone.
func ReadReference(ctx context.Context, r Reader, name, reference string) (*Release, error) {
	rel := &Release{Name: name, Layout: LayoutTags}
	isDigest := strings.Contains(reference, ":")
	if !isDigest {
		rel.Tag = reference
	}
	rd := reading{ctx: ctx, r: r, rel: rel}
	bare, err := rd.root(reference)
	if err != nil {
		return nil, err
	}
	if bare != nil {
		tag := reference
		if isDigest {
			tag = ""
		}
		if err := rd.single(bare, bare.platform, tag); err != nil {
			return nil, err
		}
		if err := rd.finish(reference); err != nil {
			return nil, err
		}
	}
	if v, err := semver.StrictNewVersion(strings.TrimPrefix(rel.Annotations[ocispec.AnnotationVersion], "v")); err == nil {
		rel.Version = v.String()
	}
	return rel, nil
}

// reading is a release while it is put together.
type reading struct {
	ctx context.Context
	r   Reader
	rel *Release
}

// part is a manifest as fetched.
type part struct {
	ocispec.Manifest
	digest   digest.Digest
	platform Platform // where it says so itself
}

// root reads what names all platforms. It completes the release and returns
// nil for the index and files layouts; otherwise it returns the manifest, for
// a single platform, that it found.
func (rd *reading) root(reference string) (*part, error) {
	desc, data, err := rd.r.Manifest(rd.ctx, reference)
	if err != nil {
		return nil, err
	}
	rd.rel.Digest = desc.Digest
	if IsIndex(desc.MediaType) {
		rd.rel.Layout = LayoutIndex
		if err := rd.index(reference, data); err != nil {
			return nil, err
		}
		return nil, rd.finish(reference)
	}
	p, err := parsePart(reference, desc, data)
	if err != nil {
		return nil, err
	}
	rd.describe(p.Annotations)
	titled := rd.titled(p)
	single := artifactType(p.Manifest) == TypeSingle || !p.platform.IsZero()
	if artifactType(p.Manifest) != TypeMulti && (single || len(titled) == 0) {
		if p.platform.IsZero() && len(titled) == 1 {
			p.platform = titled[0].Platform
		}
		if p.platform.IsZero() {
			return nil, &FormatError{reference, "is no release of " + rd.rel.Name + ": no layer is titled schemahero-" + rd.rel.Name + "-OS-ARCH.tar.gz, and no platform is stated"}
		}
		return p, nil
	}
	rd.rel.Layout = LayoutFiles
	rd.rel.Builds = titled
	return nil, rd.finish(reference)
}

// platformTag reads what a platform's own tag names. The bare tag commonly
// names the same manifest, which then is not fetched again.
func (rd *reading) platformTag(pt PlatformTag, bare *part) (*part, error) {
	if bare == nil || bare.platform != pt.Platform {
		return rd.manifest(pt.Tag)
	}
	desc, err := rd.r.Resolve(rd.ctx, pt.Tag)
	if err != nil || desc.Digest == bare.digest {
		return bare, err
	}
	return rd.manifest(desc.Digest.String())
}

// each calls f for 0 to n-1, all at once, and returns the first error in
// order of the index.
func each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (rd *reading) manifest(reference string) (*part, error) {
	desc, data, err := rd.r.Manifest(rd.ctx, reference)
	if err != nil {
		return nil, err
	}
	return parsePart(reference, desc, data)
}

func parsePart(reference string, desc ocispec.Descriptor, data []byte) (*part, error) {
	if !IsManifest(desc.MediaType) {
		return nil, &FormatError{reference, fmt.Sprintf("media type %q is no manifest", desc.MediaType)}
	}
	p := &part{digest: desc.Digest}
	if err := json.Unmarshal(data, &p.Manifest); err != nil {
		return nil, &FormatError{reference, "manifest does not parse: " + err.Error()}
	}
	p.platform, _ = ParsePlatform(p.Annotations[AnnotationPlatform])
	return p, nil
}

func artifactType(m ocispec.Manifest) string { return cmp.Or(m.ArtifactType, m.Config.MediaType) }

// index reads the manifests that an index lists, one for each platform. An
// entry that is itself an index, or has no platform (attestations are stored
// so), is none of ours. Of two for one platform the first counts
// (image-spec, image-index).
func (rd *reading) index(reference string, data []byte) error {
	var idx ocispec.Index
	if err := json.Unmarshal(data, &idx); err != nil {
		return &FormatError{reference, "index does not parse: " + err.Error()}
	}
	rd.describe(idx.Annotations)
	var platforms []Platform
	var digests []digest.Digest
	for _, d := range idx.Manifests {
		if d.Platform == nil || !IsManifest(d.MediaType) {
			continue
		}
		platform, reason := newPlatform(d.Platform.OS, d.Platform.Architecture, d.Platform.Variant)
		if reason != "" || slices.Contains(platforms, platform) {
			continue
		}
		if d.Digest.Validate() != nil {
			return &FormatError{reference, fmt.Sprintf("%s has digest %q, which is none", platform, d.Digest)}
		}
		platforms, digests = append(platforms, platform), append(digests, d.Digest)
	}
	parts := make([]*part, len(digests))
	err := each(len(parts), func(i int) (err error) {
		parts[i], err = rd.manifest(digests[i].String())
		return err
	})
	if err != nil {
		return err
	}
	for i, p := range parts {
		if err := rd.single(p, platforms[i], ""); err != nil {
			return err
		}
	}
	return nil
}

// titled returns a build for each layer that is titled as the archive or the
// executable for a platform. Other layers are metadata, whatever their media
// type.
func (rd *reading) titled(p *part) []Build {
	var builds []Build
	for i, l := range p.Layers {
		platform, ok := titlePlatform(rd.rel.Name, l.Annotations[ocispec.AnnotationTitle])
		if ok && !slices.ContainsFunc(builds, func(b Build) bool { return b.Platform == platform }) {
			builds = append(builds, build(p, i, platform, ""))
		}
	}
	return builds
}

// titlePlatform reads schemahero-NAME-OS-ARCH, bare or as an archive.
func titlePlatform(name, title string) (Platform, bool) {
	for _, ext := range []string{".tar.gz", ".tgz", ".tar.zst", ".tar", ".gz", ".zst", ".exe"} {
		if t, ok := strings.CutSuffix(title, ext); ok {
			title = t
			break
		}
	}
	before, platform, ok := CutPlatform(title)
	return platform, ok && before == "schemahero-"+name
}

// single adds the build of a manifest for one platform: the layer titled for
// it, else the only one that is not metadata.
func (rd *reading) single(p *part, platform Platform, tag string) error {
	rd.describe(p.Annotations)
	at, rest := -1, []int(nil)
	for i, l := range p.Layers {
		title := l.Annotations[ocispec.AnnotationTitle]
		if got, ok := titlePlatform(rd.rel.Name, title); ok && got == platform && at < 0 {
			at = i
		}
		if !strings.HasSuffix(title, ".sha256") && !strings.HasSuffix(title, ".json") {
			rest = append(rest, i)
		}
	}
	if at < 0 {
		if len(rest) != 1 {
			return &FormatError{cmp.Or(tag, p.digest.String()), fmt.Sprintf("no layer is titled %s, and %d could be meant", platform.Archive(rd.rel.Name), len(rest))}
		}
		at = rest[0]
	}
	rd.rel.Builds = append(rd.rel.Builds, build(p, at, platform, tag))
	return nil
}

func build(p *part, at int, platform Platform, tag string) Build {
	l := p.Layers[at]
	b := Build{Platform: platform, Tag: tag, Manifest: p.digest, File: l.Annotations[ocispec.AnnotationTitle]}
	b.Layer = ocispec.Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size}
	if hex := strings.TrimPrefix(l.Annotations[AnnotationExecutable], "sha256:"); hex != "" {
		b.Executable = digest.NewDigestFromEncoded(digest.SHA256, hex)
	}
	for _, s := range p.Layers {
		if b.File != "" && s.Annotations[ocispec.AnnotationTitle] == b.File+".sha256" {
			b.Sum = &ocispec.Descriptor{MediaType: s.MediaType, Digest: s.Digest, Size: s.Size}
			break
		}
	}
	return b
}

// describe takes what the annotations of a root, or of the first platform
// where the root is silent, say about the whole release.
func (rd *reading) describe(annotations map[string]string) {
	rel := rd.rel
	if rel.Annotations == nil && len(annotations) > 0 {
		rel.Annotations = maps.Clone(annotations)
	}
	if rel.Created.IsZero() {
		rel.Created, _ = time.Parse(time.RFC3339, annotations[ocispec.AnnotationCreated])
	}
	if rel.Requires != nil {
		return
	}
	for key, constraint := range annotations {
		name, ok := strings.CutPrefix(key, AnnotationRequires)
		if key == AnnotationHost {
			name, ok = Host, true
		}
		if ok {
			if rel.Requires == nil {
				rel.Requires = map[string]string{}
			}
			rel.Requires[name] = constraint
		}
	}
}

// finish checks what a lock will record, so that a bad release is refused
// where it is read and not by everyone who later reads the lock.
func (rd *reading) finish(reference string) error {
	rel := rd.rel
	if len(rel.Builds) == 0 {
		return &FormatError{reference, "holds no executable of " + rel.Name + " for any platform"}
	}
	slices.SortFunc(rel.Builds, func(a, b Build) int { return a.Platform.Compare(b.Platform) })
	for i := range rel.Builds {
		b := &rel.Builds[i]
		if b.File == "" {
			b.File = b.Platform.Archive(rel.Name)
		}
		switch {
		case CheckFile(b.File) != nil:
			return &FormatError{reference, fmt.Sprintf("layer title %q is no bare file name", b.File)}
		case b.Layer.Digest.Validate() != nil || b.Layer.Digest.Algorithm() != digest.SHA256:
			return &FormatError{reference, fmt.Sprintf("%s: layer digest %q is no SHA-256", b.File, b.Layer.Digest)}
		case b.Layer.Size <= 0:
			return &FormatError{reference, fmt.Sprintf("%s: layer size %d", b.File, b.Layer.Size)}
		case b.Executable != "" && b.Executable.Validate() != nil:
			return &FormatError{reference, fmt.Sprintf("%s: annotation %s is no SHA-256", b.File, AnnotationExecutable)}
		}
	}
	for name, text := range rel.Requires {
		if err := CheckName(name); err != nil {
			return &FormatError{reference, fmt.Sprintf("requires %q, which is no driver's name", name)}
		}
		if _, err := semver.NewConstraint(text); err != nil {
			return &FormatError{reference, fmt.Sprintf("requires %s %q, which is no constraint", name, text)}
		}
	}
	return nil
}

// CheckFile tells why s is no bare file name, as a lock may record it.
func CheckFile(s string) error {
	if s == "" || len(s) > 255 || s == "." || s == ".." || strings.ContainsAny(s, `/\:`) {
		return &FormatError{fmt.Sprintf("%q", s), "is no bare file name"}
	}
	for _, c := range s {
		if c < ' ' || c == 0x7f {
			return &FormatError{fmt.Sprintf("%q", s), "is no bare file name"}
		}
	}
	return nil
}
