package ocilayout

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// files are a layout's files by name.
type files map[string][]byte

func newFiles() files {
	return files{ocispec.ImageLayoutFile: []byte(`{"imageLayoutVersion":"1.0.0"}`), ocispec.ImageIndexFile: []byte(`{"schemaVersion":2,"manifests":[]}`)}
}

func (f files) blob(data []byte) ocispec.Descriptor {
	d := digest.FromBytes(data)
	f["blobs/sha256/"+d.Encoded()] = data
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: d, Size: int64(len(data))}
}

// manifest adds a manifest and its entry: ref.name, then pairs of annotations.
func (f files) manifest(content string, subject *ocispec.Descriptor, ref string, annotations ...string) ocispec.Descriptor {
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: f.blob([]byte("{}")), Layers: []ocispec.Descriptor{f.blob([]byte(content))}, Subject: subject}
	m.SchemaVersion = 2
	data, _ := json.Marshal(m)
	desc := f.blob(data)
	desc.MediaType = m.MediaType
	f.entry(desc, ref, annotations...)
	return desc
}

func (f files) entry(desc ocispec.Descriptor, ref string, annotations ...string) {
	var index ocispec.Index
	json.Unmarshal(f[ocispec.ImageIndexFile], &index)
	desc.Annotations = map[string]string{}
	if ref != "" {
		desc.Annotations[ocispec.AnnotationRefName] = ref
	}
	for i := 0; i < len(annotations); i += 2 {
		desc.Annotations[annotations[i]] = annotations[i+1]
	}
	index.Manifests = append(index.Manifests, desc)
	f[ocispec.ImageIndexFile], _ = json.Marshal(index)
}

// annotate adds an annotation to index.json itself.
func (f files) annotate(key, value string) {
	var index ocispec.Index
	json.Unmarshal(f[ocispec.ImageIndexFile], &index)
	index.Annotations = map[string]string{key: value}
	f[ocispec.ImageIndexFile], _ = json.Marshal(index)
}

func (f files) folder(t testing.TB, dir string) string {
	t.Helper()
	for name, data := range f {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, file, data)
	}
	return dir
}

func (f files) tar(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	var names []string
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(f[name])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		w.Write(f[name])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// bundled is a bundle of two drivers, one in the tags layout, one signed.
func bundled() (f files, release ocispec.Descriptor) {
	f = newFiles()
	f[LockFile] = []byte("version = 1\n")
	f.manifest("amd64", nil, "postgres-0.1.2", AnnotationRepository, postgresRepo)
	f.manifest("amd64", nil, "postgres-0.1.2-linux-amd64", AnnotationRepository, postgresRepo)
	f.manifest("arm64", nil, "postgres-0.1.2-linux-arm64", AnnotationRepository, postgresRepo)
	release = f.manifest("edge", nil, "edge-1.0.0_b1", AnnotationRepository, edgeRepo, AnnotationTag, "v1.0.0_b1")
	f.manifest("signature", &release, "", AnnotationRepository, edgeRepo)
	f.manifest("old signature", nil, "sha256-"+release.Digest.Encoded()+".sig", AnnotationRepository, edgeRepo)
	return f, release
}

// reader is what is read of a repository.
type reader interface {
	artifact.Reader
	Tags(ctx context.Context, page func([]string) error) error
}

func allTags(r reader) (tags []string, err error) {
	err = r.Tags(context.Background(), func(page []string) error { tags = append(tags, page...); return nil })
	return tags, err
}

func readBlob(r artifact.Reader, desc ocispec.Descriptor) ([]byte, error) {
	rc, err := r.Blob(context.Background(), desc)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantError[E error](t testing.TB, err error) (e E) {
	t.Helper()
	if !errors.As(err, &e) {
		t.Errorf("%T %v, want a %T", err, err, e)
	}
	return e
}
