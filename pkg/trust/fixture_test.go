package trust

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

var update = flag.Bool("update", false, "make testdata/trust/keyless and provenance again")

const (
	keylessFixture    = "../../testdata/trust/keyless"
	provenanceFixture = "../../testdata/trust/provenance"
)

// A driver that a workflow of a private Sigstore signed, as script tests take
// it: its proofs do not age. And one of which the workflow says only how it was
// built.
func TestKeylessFixture(t *testing.T) {
	if *update {
		writeFixture(t, keylessFixture, predicateSign)
	}
	verifyFixture(t, keylessFixture, "")
}

func TestProvenanceFixture(t *testing.T) {
	if *update {
		writeFixture(t, provenanceFixture, policy.Provenance)
	}
	verifyFixture(t, provenanceFixture, policy.Provenance)
}

func verifyFixture(t *testing.T, dir, attestation string) {
	t.Helper()
	client, err := registry.New(registry.Options{Layouts: layouts(dir), Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	repo, err := client.Repository(artifact.LayoutScheme + "layout/postgres")
	if err != nil {
		t.Fatal(err)
	}
	d, err := repo.Resolve(t.Context(), "0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	rule := policy.Rule{Scope: "oci-layout:layout", Keyless: &policy.Keyless{Issuer: issuer, Identity: identity, TrustedRoot: filepath.Join(dir, "root.json"), Attestation: attestation}}
	got, err := newVerifier(t).Verify(t.Context(), Request{Source: repo, Roots: []digest.Digest{d.Digest}, Project: under(rule)})
	if want := (Signer{Issuer: issuer, Identity: identity}); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
}

func writeFixture(t *testing.T, dir, predicate string) {
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s := newSigstore(t)
	root, err := os.ReadFile(s.root)
	if err != nil {
		t.Fatal(err)
	}
	file := func(data []byte, path ...string) {
		t.Helper()
		name := filepath.Join(append([]string{dir}, path...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	blob := func(mediaType string, data []byte) ocispec.Descriptor {
		d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		file(data, "layout", "blobs", "sha256", d.Digest.Encoded())
		return d
	}
	encoded := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	platform := artifact.Platform{OS: "linux", Arch: "amd64"}
	layer := blob("application/gzip", archive(t, "schemahero-postgres"))
	layer.Annotations = map[string]string{ocispec.AnnotationTitle: platform.Archive("postgres")}
	release := blob(ocispec.MediaTypeImageManifest, encoded(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifact.TypeSingle,
		Config: blob("application/vnd.oci.empty.v1+json", []byte("{}")), Layers: []ocispec.Descriptor{layer},
	}))
	release.Platform = &ocispec.Platform{OS: platform.OS, Architecture: platform.Arch}
	index := blob(ocispec.MediaTypeImageIndex, encoded(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{release},
	}))
	subject := index
	index.Annotations = map[string]string{ocispec.AnnotationRefName: "0.1.0"}
	signature := blob(ocispec.MediaTypeImageManifest, encoded(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: typeBundle,
		Config: blob("application/vnd.oci.empty.v1+json", []byte("{}")), Subject: &subject,
		Layers: []ocispec.Descriptor{blob(typeBundle, s.attest(statement(t, subject.Digest, predicate), identity, issuer, time.Now().Add(time.Minute), nil))},
	}))
	file(encoded(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{index, signature},
	}), "layout", "index.json")
	file([]byte(`{"imageLayoutVersion":"1.0.0"}`), "layout", "oci-layout")
	file(root, "root.json")
}

func archive(t *testing.T, name string) []byte {
	t.Helper()
	body := []byte("#!/bin/sh\necho postgres 0.1.0\n")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// layouts opens layouts below a folder.
func layouts(dir string) func(string) (registry.Repository, error) {
	o := &ocilayout.Opener{BaseDir: dir}
	return func(ref string) (registry.Repository, error) { return o.Repository(ref) }
}
