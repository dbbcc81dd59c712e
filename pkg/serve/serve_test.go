package serve

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

func do(t *testing.T, h http.Handler, method, path, mediaType, body string) (int, string) {
	t.Helper()
	req := httptest.NewRequest(method, "http://r"+path, strings.NewReader(body))
	req.Header.Set("Content-Type", mediaType)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec.Code, rec.Body.String()
}

const manifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`

func TestSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	const mt = "application/vnd.oci.image.manifest.v1+json"
	blob := "hello"
	d := digest.FromString(blob).String()
	if code, body := do(t, r, "POST", "/v2/a/b/blobs/uploads/?digest="+d, "application/octet-stream", blob); code != http.StatusCreated {
		t.Fatalf("upload: %d %s", code, body)
	}
	for _, tag := range []string{"1.0.0", "latest", "gone"} {
		if code, body := do(t, r, "PUT", "/v2/a/b/manifests/"+tag, mt, manifest); code != http.StatusCreated {
			t.Fatalf("put %s: %d %s", tag, code, body)
		}
	}
	if code, _ := do(t, r, "DELETE", "/v2/a/b/manifests/gone", "", ""); code != http.StatusAccepted {
		t.Fatal("delete refused")
	}
	r.Close()

	// A crash cut the last line: it was never answered, so it is not there.
	f, _ := os.OpenFile(filepath.Join(dir, "manifests.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	io.WriteString(f, `{"method":"PUT","pa`)
	f.Close()

	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { again.Close() }()
	// What is written after the cut must not be lost with it.
	do(t, again, "PUT", "/v2/a/b/manifests/2.0.0", mt, manifest)
	again.Close()
	if again, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	if _, tags := do(t, again, "GET", "/v2/a/b/tags/list", "", ""); tags != `{"name":"a/b","tags":["1.0.0","2.0.0","latest"]}` {
		t.Errorf("tags after a restart: %s", tags)
	}
	if code, body := do(t, again, "GET", "/v2/a/b/manifests/1.0.0", "", ""); code != 200 || body != manifest {
		t.Errorf("manifest after a restart: %d %q", code, body)
	}
	if code, body := do(t, again, "GET", "/v2/a/b/blobs/"+d, "", ""); code != 200 || body != blob {
		t.Errorf("blob after a restart: %d %q", code, body)
	}
}

func TestRefusesHugeManifest(t *testing.T) {
	r, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	code, _ := do(t, r, "PUT", "/v2/a/b/manifests/x", "x", string(bytes.Repeat([]byte("x"), maxManifest+1)))
	if code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413", code)
	}
}

func TestOpenDamagedJournal(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifests.jsonl"), []byte("{\"method\":\"PUT\",\"path\":\"/v2/a/manifests/x\",\"digest\":\"sha256:../../x\"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a journal with a hostile digest was opened")
	}
}
