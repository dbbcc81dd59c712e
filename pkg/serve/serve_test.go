package serve

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
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
	code, _ := do(t, r, "PUT", "/v2/a/b/manifests/x", "x", string(bytes.Repeat([]byte("x"), artifact.MaxManifest+1)))
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

// Clients that read lists by pages get each item once, in order.
func TestLists(t *testing.T) {
	r, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, at := range []string{"c/c:1", "a/a:3", "a/a:1", "a/a:2", "b:1"} {
		repo, tag, _ := strings.Cut(at, ":")
		if code, body := do(t, r, "PUT", "/v2/"+repo+"/manifests/"+tag, "application/vnd.oci.image.manifest.v1+json", manifest); code != http.StatusCreated {
			t.Fatalf("%s: %d %s", at, code, body)
		}
	}
	for path, want := range map[string][]string{"/v2/_catalog": {"a/a", "b", "c/c"}, "/v2/a/a/tags/list": {"1", "2", "3"}} {
		for _, n := range []string{"", "?n=1", "?n=2", "?n=100"} {
			var got []string
			for next := path + n; next != ""; {
				rec := httptest.NewRecorder()
				r.ServeHTTP(rec, httptest.NewRequest("GET", "http://r"+next, nil))
				var list struct{ Repositories, Tags []string }
				if err := json.Unmarshal(rec.Body.Bytes(), &list); err != nil {
					t.Fatal(err)
				}
				got = append(append(got, list.Repositories...), list.Tags...)
				next, _, _ = strings.Cut(strings.TrimPrefix(rec.Header().Get("Link"), "<"), ">")
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s%s: %v, want %v", path, n, got, want)
			}
		}
	}
	// What comes and goes shows at once.
	do(t, r, "PUT", "/v2/a/a/manifests/4", "application/vnd.oci.image.manifest.v1+json", manifest)
	do(t, r, "DELETE", "/v2/a/a/manifests/1", "", "")
	if _, body := do(t, r, "GET", "/v2/a/a/tags/list", "", ""); body != `{"name":"a/a","tags":["2","3","4"]}` {
		t.Errorf("tags after a change: %s", body)
	}
	if code, body := do(t, r, "GET", "/v2/no/tags/list", "", ""); code != http.StatusNotFound || !strings.Contains(body, "NAME_UNKNOWN") {
		t.Errorf("no repository: %d %s", code, body)
	}
}
