package artifact_test

import (
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Whoever asks for what is not a release is told what it is.
func TestNoRelease(t *testing.T) {
	about := digest.FromString("a release")
	for _, c := range []struct {
		what string
		make func(r *repository)
	}{
		{"is not a release of x: it is an index of container images", func(r *repository) {
			image := r.image(r.layer(ocispec.MediaTypeImageLayerGzip, "", "a"))
			r.index("0.1.0", nil, on("linux/amd64", image), on("linux/arm64", image))
		}},
		{"is not a release of x: it is an index of container images", func(r *repository) {
			image := r.image(r.layer(ocispec.MediaTypeImageLayerGzip, "", "a"), r.layer(ocispec.MediaTypeImageLayerGzip, "", "b"))
			r.index("0.1.0", nil, on("linux/amd64", image), on("unknown/unknown", image))
		}},
		{": it is an index of manifests for platforms", func(r *repository) {
			r.index("0.1.0", nil, on("linux/amd64", r.index("", nil)))
		}},
		{": it is a container image", func(r *repository) {
			r.tags["0.1.0"] = r.image(r.layer(ocispec.MediaTypeImageLayerGzip, "", "a")).Digest
		}},
		{": it is a signature or an attestation about " + about.String(), func(r *repository) {
			r.referrer(about, "application/vnd.dev.sigstore.bundle.v0.3+json")
		}},
		{": it is an SBOM about " + about.String(), func(r *repository) { r.referrer(about, "application/vnd.cyclonedx+json") }},
		{": it is an SBOM about " + about.String(), func(r *repository) { r.referrer(about, "text/spdx+json") }},
		{": it is an artifact of type \"application/x\" about " + about.String(), func(r *repository) { r.referrer(about, "application/x") }},
		{": it is a signature", func(r *repository) {
			r.tags["0.1.0"] = r.image(r.layer("application/vnd.dev.cosign.simplesigning.v1+json", "", "a")).Digest
		}},
		{": it is a Helm chart", func(r *repository) {
			r.manifest("0.1.0", "application/vnd.cncf.helm.config.v1+json", nil, r.layer("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "", "a"))
		}},
		{": it is an index of artifacts, such as the signatures of something", func(r *repository) {
			d := r.manifest("", "", nil, r.archive("linux/amd64"))
			d.ArtifactType = "application/x"
			r.index("0.1.0", nil, d)
		}},
	} {
		r := newRepository(t)
		c.make(r)
		for _, reference := range []string{"0.1.0", r.tags["0.1.0"].String()} {
			if rel, err := artifact.ReadReference(t.Context(), r, "x", reference); err == nil || !strings.HasSuffix(err.Error(), c.what) {
				t.Errorf("%v, %v; want %s", rel, err, c.what)
			}
		}
	}
}

func (r *repository) image(layers ...ocispec.Descriptor) ocispec.Descriptor {
	return r.raw("", ocispec.MediaTypeImageManifest, r.encode(ocispec.Manifest{
		MediaType: ocispec.MediaTypeImageManifest, Config: r.blob(ocispec.MediaTypeImageConfig, "{}"), Layers: layers,
	}))
}

// referrer stores an artifact of one type about something.
func (r *repository) referrer(subject digest.Digest, artifactType string) {
	r.raw("0.1.0", ocispec.MediaTypeImageManifest, r.encode(ocispec.Manifest{
		MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType, Config: ocispec.DescriptorEmptyJSON,
		Layers: []ocispec.Descriptor{r.layer(artifactType, "", "a")}, Subject: &ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: subject, Size: 1},
	}))
}
