package resolve

import (
	"cmp"
	"context"
	"slices"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// ReadPinned reads the release of a lock entry for some platforms in the way
// it was read when it was locked, but each tag stands for what is locked under
// it. So the layout is found out from what is there and not from what the lock
// says: only where the entry's digest names no index and no manifest for
// several platforms are the platforms' own manifests looked at. Errors: the
// Reader's, *artifact.FormatError.
func ReadPinned(ctx context.Context, reader artifact.Reader, e *lockfile.Plugin, platforms []artifact.Platform) (*artifact.Release, error) {
	locked := pinned{reader, map[string]string{}}
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
	digests map[string]string // by tag
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
