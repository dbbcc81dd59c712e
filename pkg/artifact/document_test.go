package artifact_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Every place of a manifest or index where a descriptor can stand, with what no
// descriptor may be.
func TestParseDocumentRefuses(t *testing.T) {
	hex := strings.Repeat("0", 64)
	const fine = `"mediaType":"text/plain","size":3`
	for want, descriptor := range map[string]string{
		`digest "" is neither`:                      `{` + fine + `}`,
		`digest "abc" is neither`:                   `{` + fine + `,"digest":"abc"}`,
		`digest "latest" is neither`:                `{` + fine + `,"digest":"latest"}`,
		`digest "sha256:../../../x" is neither`:     `{` + fine + `,"digest":"sha256:../../../x"}`,
		`digest "sha256:` + hex[1:] + `" is`:        `{` + fine + `,"digest":"sha256:` + hex[1:] + `"}`,
		`digest "sha256:` + hex + `0" is`:           `{` + fine + `,"digest":"sha256:` + hex + `0"}`,
		`digest "sha256:` + hex[1:] + `g" is`:       `{` + fine + `,"digest":"sha256:` + hex[1:] + `g"}`,
		`digest "sha256:` + hex[1:] + `A" is`:       `{` + fine + `,"digest":"sha256:` + hex[1:] + `A"}`,
		`digest "SHA256:` + hex + `" is`:            `{` + fine + `,"digest":"SHA256:` + hex + `"}`,
		`digest "sha512:` + hex + `" is`:            `{` + fine + `,"digest":"sha512:` + hex + `"}`,
		`digest "sha384:` + hex + hex[:32] + `" is`: `{` + fine + `,"digest":"sha384:` + hex + hex[:32] + `"}`,
		`size -1 is not`:                            `{"mediaType":"a/b","size":-1,"digest":"sha256:` + hex + `"}`,
		`size 9223372036854775807 is not`:           `{"mediaType":"a/b","size":9223372036854775807,"digest":"sha256:` + hex + `"}`,
		`media type "text" is not`:                  `{"mediaType":"text","size":1,"digest":"sha256:` + hex + `"}`,
		`media type "a/\x1b[31m" is not`:            `{"mediaType":"a/\u001b[31m","size":1,"digest":"sha256:` + hex + `"}`,
	} {
		good := `{"mediaType":"a/b","size":1,"digest":"sha256:` + hex + `"}`
		for place, data := range map[string]string{
			"manifest 2: ": `{"manifests":[` + good + `,` + descriptor + `]}`,
			"layer 1: ":    `{"config":{},"layers":[` + descriptor + `]}`,
			"subject: ":    `{"config":` + good + `,"layers":[],"subject":` + descriptor + `}`,
		} {
			_, err := artifact.ParseDocument("it", "", []byte(data))
			if got := fmt.Sprint(err); !strings.HasPrefix(got, "it: "+place+want) {
				t.Errorf("%s\n got %s\nwant it: %s%s", data, got, place, want)
			}
		}
	}
	for want, data := range map[string]string{
		"config: digest":              `{"config":{"digest":"sha256:x"},"layers":[]}`,
		"a manifest and an index":     `{"mediaType":"` + ocispec.MediaTypeImageIndex + `","config":{}}`,
		"an index's nor a manifest's": `{"mediaType":"application/vnd.oci.artifact.manifest.v1+json","blobs":[]}`,
	} {
		if _, err := artifact.ParseDocument("it", "", []byte(data)); !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestParseDocumentMediaType(t *testing.T) {
	const docker = "application/vnd.docker.distribution.manifest.v2+json"
	for _, c := range []struct{ carrier, data, want string }{
		{"", `{"manifests":[]}`, ocispec.MediaTypeImageIndex},
		{"application/json", `{"config":{},"layers":[]}`, ocispec.MediaTypeImageManifest},
		{docker, `{"config":{},"layers":[]}`, docker},
		{ocispec.MediaTypeImageManifest, `{"mediaType":"` + docker + `","layers":[]}`, docker},
	} {
		doc, err := artifact.ParseDocument("it", c.carrier, []byte(c.data))
		if err != nil || doc.MediaType != c.want || doc.IsIndex() != (c.want == ocispec.MediaTypeImageIndex) {
			t.Errorf("%s of %q: %+v, %v", c.data, c.carrier, doc, err)
		}
	}
}

// What is read at all can be followed: each digest becomes a file name, and the
// sum of all sizes is a number.
func FuzzParseDocument(f *testing.F) {
	d := digest.FromString("x").String()
	for _, data := range []string{
		`{"mediaType":"` + ocispec.MediaTypeImageIndex + `","manifests":[{"mediaType":"a/b","digest":"` + d + `","size":7,"platform":{"os":"linux"}}]}`,
		`{"config":{"mediaType":"a/b","digest":"` + d + `","size":2},"layers":[{"digest":"` + digest.SHA512.FromString("x").String() + `"}],"subject":{"digest":"` + d + `"}}`,
		`{"Manifests":null,"LAYERS":[],"config":{},"annotations":{"a":"b"}}`,
	} {
		for _, mediaType := range []string{"", ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest} {
			f.Add(mediaType, []byte(data))
		}
	}
	f.Fuzz(func(t *testing.T, mediaType string, data []byte) {
		doc, err := artifact.ParseDocument("it", mediaType, data)
		if err != nil {
			return
		}
		if artifact.IsIndex(doc.MediaType) == artifact.IsManifest(doc.MediaType) || doc.IsIndex() && len(doc.Layers) > 0 || !doc.IsIndex() && len(doc.Manifests) > 0 {
			t.Errorf("%+v", doc)
		}
		all := append(append(doc.Manifests, doc.Layers...), doc.Config)
		if doc.Subject != nil {
			all = append(all, *doc.Subject)
		}
		sum := int64(0)
		for _, d := range all {
			if sum += d.Size; d.Size < 0 || sum < 0 {
				t.Errorf("sizes add up to %d", sum)
			}
			if d.Digest == "" && d.Digest == doc.Config.Digest {
				continue
			}
			if err := d.Digest.Validate(); err != nil || strings.ContainsAny(d.Digest.Encoded(), `./\`) {
				t.Errorf("%q: %v", d.Digest, err)
			}
		}
	})
}
