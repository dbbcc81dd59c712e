package artifact

import (
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// index reads the manifests that an index lists, one for each platform. An
// entry that is itself an index, or has no platform (attestations are stored
// so), is none of ours. Of two for one platform the first counts
// (image-spec, image-index).
func (rd *reading) index(reference string, idx *Document) error {
	rd.facts = append(rd.facts, idx.Annotations)
	var wanted []ocispec.Descriptor
	var platforms []Platform
	for _, d := range idx.Manifests {
		if d.Platform == nil || !IsManifest(d.MediaType) {
			continue
		}
		platform, reason := newPlatform(d.Platform.OS, d.Platform.Architecture, d.Platform.Variant)
		if reason != "" || slices.Contains(rd.rel.Offered, platform) {
			continue
		}
		if !IsDigest(d.Digest.String()) {
			return &FormatError{reference, fmt.Sprintf("%s: manifest digest %q is not a SHA-256 digest", platform, d.Digest)}
		}
		rd.rel.Offered = append(rd.rel.Offered, platform)
		if rd.wants(platform) {
			wanted, platforms = append(wanted, d), append(platforms, platform)
		}
	}
	parts := make([]*part, len(wanted))
	err := parallel.First(parallel.Each(rd.ctx, len(parts), most, func(i int) (err error) {
		parts[i], err = rd.manifest(wanted[i].Digest.String())
		return err
	}))
	if err != nil {
		return err
	}
	if len(parts) > 0 && !slices.ContainsFunc(parts, func(p *part) bool { return !p.isImage() || len(p.titled(rd.rel.Name)) > 0 }) {
		return &FormatError{reference, "is not a release of " + rd.rel.Name + ": it is an index of container images"}
	}
	for i, p := range parts {
		if err := rd.add(p, platforms[i], ""); err != nil {
			return err
		}
	}
	return nil
}
