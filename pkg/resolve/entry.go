package resolve

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// newEntry returns the lock entry of a release.
func newEntry(p *plugin, repository string, release *artifact.Release) lockfile.Plugin {
	e := lockfile.Plugin{
		Name:       p.name,
		Version:    release.Version,
		Aliases:    slices.Clone(p.entry.Aliases),
		Repository: repository,
		Tag:        release.Tag,
		Digest:     release.Digest,
		Requires:   maps.Clone(release.Requires),
	}
	for _, b := range release.Builds {
		e.Platforms = append(e.Platforms, lockfile.Platform{
			Platform:   b.Platform,
			Tag:        b.Tag,
			Manifest:   b.Manifest,
			Layer:      b.Layer.Digest,
			Size:       b.Layer.Size,
			File:       b.File,
			Executable: b.Executable,
		})
	}
	return e
}

// SameContent reports whether two entries are known to pin the same bytes,
// wherever they lie: the same digest and, of the platforms that both have, the
// same manifests and layers. Only then a signature of one is one of the other.
func SameContent(a, b *lockfile.Plugin) bool {
	shared, differs := compareContent(a, b)
	return shared && !differs
}

// compareContent reports whether two entries have a digest or a platform in
// common to be compared by, and whether those differ.
func compareContent(a, b *lockfile.Plugin) (shared, differs bool) {
	shared, differs = a.Digest != "" || b.Digest != "", a.Digest != b.Digest
	for _, p := range a.Platforms {
		q, ok := b.Platform(p.Platform)
		shared = shared || ok
		differs = differs || ok && (p.Manifest != q.Manifest || p.Layer != q.Layer)
	}
	return shared, differs
}

// ownTag reports whether an entry is locked by the tags that its version has of
// its own, as version constraints lead to; not by a floating tag or a digest.
func ownTag(e *lockfile.Plugin) bool {
	if e.Version == "" {
		return false
	}
	if e.Tag != "" {
		t, ok := artifact.ParseTag(e.Tag)
		return ok && t.Platform.IsZero() && t.Version.String() == e.Version
	}
	for _, p := range e.Platforms {
		if t, ok := artifact.ParseTag(p.Tag); !ok || t.Version.String() != e.Version {
			return false
		}
	}
	return len(e.Platforms) > 0
}

// entryText names the locked release of an entry.
func entryText(e *lockfile.Plugin) string {
	switch {
	case e.Version != "" && ownTag(e):
		return e.Version
	case e.Tag != "":
		return "tag " + e.Tag
	case e.Digest != "":
		return "digest " + shortDigest(e.Digest)
	}
	return e.Version
}

func lockedPlatforms(e *lockfile.Plugin) []artifact.Platform {
	out := make([]artifact.Platform, len(e.Platforms))
	for i, p := range e.Platforms {
		out[i] = p.Platform
	}
	return out
}

// reachable returns the names of all plugins that the manifest lists and of
// those that they require in the lock, directly or through others.
func reachable(m *manifest.Manifest, l *lockfile.Lock) map[string]bool {
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		if e, ok := l.Plugin(name); ok {
			for required := range e.Requires {
				visit(required)
			}
		}
	}
	for _, p := range m.Plugins {
		visit(p.Name)
	}
	return seen
}

// ReadPinned reads the release of a lock entry for some platforms in the way
// it was read when it was locked, but each tag stands for what is locked under
// it. So the layout is found out from what is there and not from what the lock
// says: only if the entry's digest names no index and no manifest for
// several platforms are the platforms' own manifests looked at. Errors: the
// Reader's, *artifact.FormatError.
func ReadPinned(ctx context.Context, reader artifact.Reader, e *lockfile.Plugin, platforms []artifact.Platform) (*artifact.Release, error) {
	locked := pinned{reader, e, map[string]string{}}
	if e.Tag != "" && e.Digest != "" {
		locked.digests[e.Tag] = e.Digest.String()
	}
	c := artifact.Candidate{Tag: e.Tag}
	for _, p := range e.Platforms {
		if p.Tag == "" || p.Tag == e.Tag {
			continue
		}
		locked.digests[p.Tag] = p.Manifest.String()
		if slices.Contains(platforms, p.Platform) {
			c.Platforms = append(c.Platforms, artifact.PlatformTag{Platform: p.Platform, Tag: p.Tag})
		}
	}
	v, err := semver.StrictNewVersion(e.Version)
	if err != nil || !ownTag(e) {
		return artifact.ReadReferenceFor(ctx, locked, e.Name, cmp.Or(e.Tag, e.Digest.String()), platforms)
	}
	c.Version = v
	return artifact.ReadFor(ctx, locked, e.Name, c, platforms)
}

// pinned is a Reader for which tags name what a lock has under them.
type pinned struct {
	artifact.Reader
	entry   *lockfile.Plugin
	digests map[string]string // by tag
}

// Chosen implements artifact.Chooser: who locked the entry may have chosen otherwise.
func (p pinned) Chosen(manifest digest.Digest) bool {
	return slices.ContainsFunc(p.entry.Platforms, func(q lockfile.Platform) bool { return q.Manifest == manifest })
}

// Resolve implements artifact.Reader.
func (p pinned) Resolve(ctx context.Context, tag string) (ocispec.Descriptor, error) {
	if d, ok := p.digests[tag]; ok {
		return ocispec.Descriptor{Digest: digest.Digest(d)}, nil
	}
	return p.Reader.Resolve(ctx, tag)
}

// Manifest implements artifact.Reader.
func (p pinned) Manifest(ctx context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	return p.Reader.Manifest(ctx, cmp.Or(p.digests[reference], reference))
}
