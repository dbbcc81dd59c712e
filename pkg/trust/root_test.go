package trust

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The root comes by TUF: a server that cannot show signed metadata gives none,
// and leaves none behind for an offline run.
func TestRootByTUF(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if strings.HasSuffix(r.URL.Path, "timestamp.json") {
			w.Write([]byte(`{"signed":{"_type":"timestamp"},"signatures":[]}`))
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	dir := t.TempDir()
	v := New(Options{Dir: dir, tuf: server.URL, HTTP: server.Client()})
	var e *RootError
	if _, err := v.material(t.Context(), ""); !errors.As(err, &e) || e.Offline || e.File != "" || e.Err == nil {
		t.Errorf("%v", err)
	}
	if asked == 0 {
		t.Error("was not asked")
	}
	if _, err := os.Stat(filepath.Join(dir, trustedRootFile)); err == nil {
		t.Error("a root was kept")
	}
}

func TestFetcherIsBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 1000))
	}))
	defer server.Close()
	f := &fetcher{ctx: t.Context(), client: server.Client()}
	if data, err := f.DownloadFile(server.URL, 1000, 0); err != nil || len(data) != 1000 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if _, err := f.DownloadFile(server.URL, 999, 0); err == nil {
		t.Error("more than was allowed is not an error")
	}
}
