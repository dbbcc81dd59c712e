package artifact

import (
	"fmt"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What says what a document is, for who took it for a release: "a container
// image", "an SBOM". It ends with what it refers to.
func (d *Document) What() string {
	text := d.what()
	if d.Subject != nil {
		text += " about " + d.Subject.Digest.String()
	}
	return text
}

func (d *Document) what() string {
	if d.IsIndex() {
		images, artifacts := 0, 0
		for _, m := range d.Manifests {
			switch {
			case m.Platform != nil:
				images++
			case m.ArtifactType != "":
				artifacts++
			}
		}
		switch {
		case images > 0:
			return "an index of manifests for platforms"
		case artifacts > 0:
			return "an index of artifacts, such as the signatures of something"
		}
		return fmt.Sprintf("an index of %d manifests, none for a platform", len(d.Manifests))
	}
	types := []string{d.Type()}
	for _, l := range d.Layers {
		types = append(types, l.MediaType)
	}
	for _, known := range []struct{ word, what string }{
		{TypeSingle, "a driver's manifest"}, {TypeMulti, "a driver's manifest"},
		{"sigstore.bundle", "a signature or an attestation"}, {"simplesigning", "a signature"}, {"notary.signature", "a signature"},
		{"cyclonedx", "an SBOM"}, {"spdx", "an SBOM"}, {"syft", "an SBOM"}, {"sbom", "an SBOM"},
		{"in-toto", "an attestation"}, {"dsse", "an attestation"}, {"artifact.lifecycle", "a note on the end of something's life"},
		{"helm.config", "a Helm chart"},
	} {
		for _, t := range types {
			if strings.Contains(strings.ToLower(t), known.word) {
				return known.what
			}
		}
	}
	if d.isImage() { // as which cosign before 3 stored signatures
		return "a container image"
	}
	if t := d.Type(); t != "" && t != ocispec.MediaTypeEmptyJSON {
		return fmt.Sprintf("an artifact of type %q", cut(t))
	}
	return "an artifact that states no type"
}

// isImage reports whether a manifest is a container image's.
func (d *Document) isImage() bool {
	return d.Type() == ocispec.MediaTypeImageConfig || d.Type() == "application/vnd.docker.container.image.v1+json"
}
