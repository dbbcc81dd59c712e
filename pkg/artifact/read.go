package artifact

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// Read fetches what the tags of a candidate name and returns the release. The
// version is the tag's. Platform tags are looked at only if there is no tag
// for all platforms, or where it names a manifest for a single platform.
// Errors: the Reader's, *FormatError.
func Read(ctx context.Context, r Reader, name string, c Candidate) (*Release, error) {
	return ReadFor(ctx, r, name, c, nil)
}

// ReadFor is Read for some platforms: Builds has no others, and in the index
// and tags layouts no others' manifests are fetched (a registry may count each
// as a pull). Nil stands for all, and an empty list for none: Offered is told
// nevertheless.
func ReadFor(ctx context.Context, r Reader, name string, c Candidate, platforms []Platform) (*Release, error) {
	rd := newReading(ctx, r, name, platforms)
	rd.rel.Version = c.Version.String()
	bare, err := rd.root(c.Tag)
	switch {
	case errors.Is(err, ErrNotFound) && rd.rel.Digest == "" && len(c.Platforms) > 0:
		// The tag was deleted since the tags were listed; the platforms' own remain.
	case err != nil:
		return nil, err
	case c.Tag != "":
		rd.rel.Tag = c.Tag
		if bare == nil { // index or files: complete
			return rd.finish(c.Tag)
		}
		if bare.platform.IsZero() {
			if bare.Type() != TypeSingle {
				return nil, rd.platformless(c.Tag, bare)
			}
			// In the tags layout the bare tag points at linux-amd64 only.
			bare.platform, bare.guessed = Platform{OS: "linux", Arch: "amd64"}, true
		}
	}
	return rd.tags(c, bare)
}

// ReadReference is Read for a floating tag or a digest; the version is what
// the release states of itself, if it does. A manifest for a single platform
// is a release for that platform alone.
func ReadReference(ctx context.Context, r Reader, name, reference string) (*Release, error) {
	return ReadReferenceFor(ctx, r, name, reference, nil)
}

// ReadReferenceFor is to ReadReference what ReadFor is to Read.
func ReadReferenceFor(ctx context.Context, r Reader, name, reference string, platforms []Platform) (*Release, error) {
	rd := newReading(ctx, r, name, platforms)
	tag := reference
	if strings.Contains(reference, ":") { // a digest
		tag = ""
	}
	rd.rel.Tag = tag
	bare, err := rd.root(reference)
	if err != nil {
		return nil, err
	}
	if bare != nil {
		platform := bare.platform
		if _, p, ok := CutPlatform(tag); ok {
			platform = p
		}
		if platform.IsZero() {
			return nil, rd.platformless(reference, bare)
		}
		rd.rel.Offered = []Platform{platform}
		if rd.wants(platform) {
			if err := rd.add(bare, platform, tag); err != nil {
				return nil, err
			}
		}
	}
	return rd.finish(reference)
}

// reading is a release while it is put together.
type reading struct {
	ctx   context.Context
	r     Reader
	rel   *Release
	want  []Platform          // nil for all
	what  string              // the root
	facts []map[string]string // annotations: the root's, nil without one, then each platform's
}

func newReading(ctx context.Context, r Reader, name string, platforms []Platform) *reading {
	return &reading{ctx: ctx, r: r, rel: &Release{Name: name, Layout: LayoutTags}, want: platforms}
}

func (rd *reading) wants(p Platform) bool { return rd.want == nil || slices.Contains(rd.want, p) }

// root reads what names all platforms; "" names nothing. It gathers the builds
// and returns nil for the index and files layouts; otherwise it returns the
// manifest, for a single platform, that it found.
func (rd *reading) root(reference string) (*part, error) {
	if reference == "" {
		return nil, nil
	}
	desc, data, err := rd.r.Manifest(rd.ctx, reference)
	if err != nil {
		return nil, err
	}
	doc, err := ParseDocument(reference, desc.MediaType, data)
	if err != nil {
		return nil, err
	}
	rd.rel.Digest, rd.what = desc.Digest, doc.What()
	if doc.IsIndex() {
		rd.rel.Layout = LayoutIndex
		return nil, rd.index(reference, doc)
	}
	p := newPart(desc.Digest, doc)
	rd.facts = append(rd.facts, p.Annotations)
	titled := p.titled(rd.rel.Name)
	if p.Type() == TypeMulti || p.platform.IsZero() && len(titled) > 1 {
		rd.rel.Layout = LayoutFiles
		for _, b := range titled {
			rd.rel.Offered = append(rd.rel.Offered, b.Platform)
			if rd.wants(b.Platform) {
				rd.rel.Builds = append(rd.rel.Builds, b)
			}
		}
		return nil, nil
	}
	if p.platform.IsZero() && len(titled) == 1 {
		p.platform = titled[0].Platform
	}
	return p, nil
}

// add adds the build of a manifest for one platform.
func (rd *reading) add(p *part, platform Platform, tag string) error {
	b, err := p.single(rd.rel.Name, platform, tag)
	if err != nil {
		return err
	}
	rd.facts = append(rd.facts, p.Annotations)
	rd.rel.Builds = append(rd.rel.Builds, b)
	return nil
}

// most is how many manifests of one release are fetched at a time: more than
// releases have, and few enough for a hostile index of all platforms.
const most = 8
