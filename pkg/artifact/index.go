package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// index reads the manifests that an index lists, one for each platform. An
// entry that is itself an index, or has no platform (attestations are stored
// so), is none of ours.
func (rd *reading) index(reference string, idx *Document) error {
	rd.facts = append(rd.facts, idx.Annotations)
	entries := map[Platform][]ocispec.Descriptor{}
	for _, d := range idx.Manifests {
		platform, ok := entryPlatform(d)
		if !ok {
			continue
		}
		if entries[platform] == nil {
			rd.rel.Offered = append(rd.rel.Offered, platform)
		}
		entries[platform] = append(entries[platform], d)
	}
	var wanted []Build
	for _, platform := range rd.rel.Offered {
		taken, other := choose(entries[platform], rd.r)
		if !IsDigest(taken.Digest.String()) {
			return &FormatError{reference, fmt.Sprintf("%s: manifest digest %q is not a SHA-256 digest", platform, taken.Digest)}
		}
		if rd.wants(platform) {
			wanted = append(wanted, Build{Platform: platform, Manifest: taken.Digest, Zstd: IsZstd(taken), Other: other})
		}
	}
	parts := make([]*part, len(wanted))
	err := parallel.First(parallel.Errors(rd.ctx, len(parts), most, func(i int) (err error) {
		parts[i], err = rd.manifest(wanted[i].Manifest.String())
		return err
	}))
	if err != nil {
		return err
	}
	if len(parts) > 0 && !slices.ContainsFunc(parts, func(p *part) bool { return !p.isImage() || len(p.titled(rd.rel.Name)) > 0 }) {
		return &FormatError{reference, "is not a release of " + rd.rel.Name + ": it is an index of container images"}
	}
	for i, p := range parts {
		if err := rd.add(p, wanted[i].Platform, ""); err != nil {
			return err
		}
		b := &rd.rel.Builds[len(rd.rel.Builds)-1]
		b.Zstd, b.Other = wanted[i].Zstd, wanted[i].Other
	}
	return nil
}

// AnnotationZstd on an entry of an index says that what it names is packed with
// zstd (podman's convention). Who does not know it takes the first entry for a
// platform, so that those packed with gzip come first.
const AnnotationZstd = "io.github.containers.compression.zstd"

// IsZstd reports whether an entry of an index says that it is packed with zstd.
func IsZstd(entry ocispec.Descriptor) bool { return entry.Annotations[AnnotationZstd] == "true" }

// Twin returns the entry of an index for the same platform that is packed
// otherwise: with gzip and not with zstd, or the other way round.
func (d *Document) Twin(entry ocispec.Descriptor) (ocispec.Descriptor, bool) {
	platform, ok := entryPlatform(entry)
	i := slices.IndexFunc(d.Manifests, func(m ocispec.Descriptor) bool {
		p, is := entryPlatform(m)
		return is && p == platform && IsZstd(m) != IsZstd(entry)
	})
	if !ok || i < 0 {
		return ocispec.Descriptor{}, false
	}
	return d.Manifests[i], true
}

// entryPlatform returns what an index lists a manifest for.
func entryPlatform(d ocispec.Descriptor) (Platform, bool) {
	if d.Platform == nil || !IsManifest(d.MediaType) {
		return Platform{}, false
	}
	p, reason := newPlatform(d.Platform.OS, d.Platform.Architecture, d.Platform.Variant)
	return p, reason == ""
}

// Chooser is a Reader that knows which of several manifests for one platform is
// meant, where none of the rules of this package decides.
type Chooser interface {
	Chosen(manifest digest.Digest) bool
}

// choose returns which of an index's entries for one platform counts: what the
// reader chooses, else the first that is annotated, else the first (image-spec,
// image-index). other is the first that is packed otherwise.
func choose(entries []ocispec.Descriptor, r Reader) (taken ocispec.Descriptor, other digest.Digest) {
	at := -1
	if c, ok := r.(Chooser); ok {
		at = slices.IndexFunc(entries, func(d ocispec.Descriptor) bool { return c.Chosen(d.Digest) })
	}
	if at < 0 {
		at = max(0, slices.IndexFunc(entries, IsZstd))
	}
	for _, d := range entries {
		if IsZstd(d) != IsZstd(entries[at]) {
			return entries[at], d.Digest
		}
	}
	return entries[at], ""
}

// ReadOthers returns the builds that an index offers beside a release's, packed
// otherwise, in the order of those. One whose manifest is not there, which a bundle
// leaves out, is none of them. Errors: the Reader's, *FormatError.
func ReadOthers(ctx context.Context, r Reader, rel *Release) ([]Build, error) {
	rd := newReading(ctx, r, rel.Name, nil)
	var out []Build
	for _, b := range rel.Builds {
		if b.Other != "" {
			out = append(out, Build{Platform: b.Platform, Manifest: b.Other, Zstd: !b.Zstd, Other: b.Manifest})
		}
	}
	err := parallel.First(parallel.Errors(ctx, len(out), most, func(i int) error {
		p, err := rd.manifest(out[i].Manifest.String())
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		b, err := p.single(rel.Name, out[i].Platform, "")
		if err != nil {
			return err
		}
		if problem := b.problem(); problem != "" {
			return &FormatError{out[i].Manifest.String(), problem}
		}
		b.Zstd, b.Other = out[i].Zstd, out[i].Other
		out[i] = b
		return nil
	}))
	return slices.DeleteFunc(out, func(b Build) bool { return b.File == "" }), err
}
