package serve

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// layoutFolder is a folder with one release, from two hosts, and a referrer to it.
func layoutFolder(t *testing.T) (dir string, release, blob ocispec.Descriptor) {
	t.Helper()
	dir = t.TempDir()
	put := func(data []byte) ocispec.Descriptor {
		d := digest.FromBytes(data)
		file := filepath.Join(dir, "blobs", "sha256", d.Encoded())
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return ocispec.Descriptor{MediaType: "application/octet-stream", Digest: d, Size: int64(len(data))}
	}
	manifest := func(subject *ocispec.Descriptor, layer ocispec.Descriptor) ocispec.Descriptor {
		m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, ArtifactType: "application/x.signature", Config: put([]byte("{}")), Layers: []ocispec.Descriptor{layer}, Subject: subject}
		m.SchemaVersion = 2
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		d := put(data)
		d.MediaType = m.MediaType
		return d
	}
	blob = put([]byte("0123456789"))
	release = manifest(nil, blob)
	signature := manifest(&release, blob)
	var index ocispec.Index
	index.SchemaVersion = 2
	entry := func(d ocispec.Descriptor, repository, tag string) {
		d.Annotations = map[string]string{ocilayout.AnnotationRepository: repository, ocilayout.AnnotationTag: tag}
		index.Manifests = append(index.Manifests, d)
	}
	entry(release, "one.example/db/edge", "1.0.0")
	entry(release, "one.example/db/edge", "1.0.0-linux-amd64")
	entry(release, "two.example:5000/db/edge", "2.0.0")
	entry(signature, "one.example/db/edge", "")
	data, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{ocispec.ImageIndexFile: data, ocispec.ImageLayoutFile: []byte(`{"imageLayoutVersion":"1.0.0"}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, release, blob
}

func TestBundle(t *testing.T) {
	dir, release, blob := layoutFolder(t)
	s, err := ocilayout.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server := httptest.NewServer(Layout(s))
	defer server.Close()
	edge := "/v2/db/edge/"
	for name, tc := range map[string]struct {
		method, path, ask string
		status            int
		want              string // in the body
		header            string
	}{
		"ping":            {"GET", "/v2/", "", 200, "{}", ""},
		"catalog":         {"GET", "/v2/_catalog", "", 200, `{"repositories":["db/edge"]}`, ""},
		"tags of both":    {"GET", edge + "tags/list", "", 200, `"tags":["1.0.0","1.0.0-linux-amd64","2.0.0"]`, ""},
		"tags of one":     {"GET", "/v2/two.example:5000/db/edge/tags/list", "", 200, `"tags":["2.0.0"]`, ""},
		"a page":          {"GET", edge + "tags/list?n=1&last=1.0.0", "", 200, `"tags":["1.0.0-linux-amd64"]`, "Link: </v2/db/edge/tags/list?n=1&last=1.0.0-linux-amd64>"},
		"the last page":   {"GET", edge + "tags/list?n=5&last=1.0.0-linux-amd64", "", 200, `"tags":["2.0.0"]`, ""},
		"by tag":          {"GET", edge + "manifests/2.0.0", "", 200, blob.Digest.String(), "Docker-Content-Digest: " + release.Digest.String()},
		"by digest":       {"GET", edge + "manifests/" + release.Digest.String(), "", 200, blob.Digest.String(), "Content-Type: " + release.MediaType},
		"head":            {"HEAD", edge + "manifests/1.0.0", "", 200, "", "Docker-Content-Digest: " + release.Digest.String()},
		"no tag":          {"GET", edge + "manifests/3.0.0", "", 404, "MANIFEST_UNKNOWN", ""},
		"no repository":   {"GET", "/v2/db/other/manifests/1.0.0", "", 404, "NAME_UNKNOWN", ""},
		"nothing":         {"GET", "/etc/passwd", "", 404, "NAME_UNKNOWN", ""},
		"blob":            {"GET", edge + "blobs/" + blob.Digest.String(), "", 200, "0123456789", ""},
		"head of blob":    {"HEAD", edge + "blobs/" + blob.Digest.String(), "", 200, "", "Content-Length: 10"},
		"range":           {"GET", edge + "blobs/" + blob.Digest.String(), "bytes=4-", 206, "456789", "Content-Range: bytes 4-9/10"},
		"range inside":    {"GET", edge + "blobs/" + blob.Digest.String(), "bytes=2-3", 206, "23", "Content-Range: bytes 2-3/10"},
		"range behind":    {"GET", edge + "blobs/" + blob.Digest.String(), "bytes=10-", 416, "", "Content-Range: bytes */10"},
		"odd range":       {"GET", edge + "blobs/" + blob.Digest.String(), "bytes=x-", 416, "", ""},
		"no blob":         {"GET", edge + "blobs/" + digest.FromString("x").String(), "", 404, "BLOB_UNKNOWN", ""},
		"no digest":       {"GET", edge + "blobs/..%2f..%2findex.json", "", 404, "", ""},
		"of no digest":    {"GET", edge + "referrers/foo", "", 400, "DIGEST_INVALID", ""},
		"two ranges":      {"GET", edge + "blobs/" + blob.Digest.String(), "bytes=0-1,4-5", 206, "Content-Range: bytes 4-5/10", ""},
		"the end":         {"GET", edge + "blobs/" + blob.Digest.String(), "bytes=-2", 206, "89", "Content-Range: bytes 8-9/10"},
		"referrers":       {"GET", edge + "referrers/" + release.Digest.String(), "", 200, `"application/x.signature"`, "Content-Type: " + ocispec.MediaTypeImageIndex},
		"other referrers": {"GET", edge + "referrers/" + release.Digest.String() + "?artifactType=x", "", 200, `"manifests":[]`, "OCI-Filters-Applied: artifactType"},
		"upload":          {"POST", edge + "blobs/uploads/", "", 405, "UNSUPPORTED", ""},
		"push":            {"PUT", edge + "manifests/1.0.0", "", 405, "UNSUPPORTED", ""},
		"delete":          {"DELETE", edge + "manifests/1.0.0", "", 405, "UNSUPPORTED", ""},
	} {
		req, err := http.NewRequestWithContext(context.Background(), tc.method, server.URL+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tc.ask != "" {
			req.Header.Set("Range", tc.ask)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tc.status || !strings.Contains(string(body), tc.want) {
			t.Errorf("%s: %s, %v: %s", name, resp.Status, err, body)
		}
		if key, value, _ := strings.Cut(tc.header, ": "); !strings.HasPrefix(resp.Header.Get(key), value) {
			t.Errorf("%s: header %s is %q", name, key, resp.Header.Get(key))
		}
	}
}

// A blob that is not what its name says never arrives as if it were.
func TestBundleDamaged(t *testing.T) {
	dir, _, blob := layoutFolder(t)
	s, err := ocilayout.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server := httptest.NewServer(Layout(s))
	defer server.Close()
	if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", blob.Digest.Encoded()), []byte("012345678x"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	repo, err := c.Repository(strings.TrimPrefix(server.URL, "http://") + "/db/edge")
	if err != nil {
		t.Fatal(err)
	}
	rc, err := repo.Blob(context.Background(), blob)
	if err == nil {
		_, err = io.ReadAll(rc)
		rc.Close()
	}
	if err == nil {
		t.Error("a changed blob is served and taken")
	}
}
