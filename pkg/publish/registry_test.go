package publish_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Over HTTP: what is pushed is read back, and pushed again costs nothing but
// questions.
func TestPushToRegistry(t *testing.T) {
	var mu sync.Mutex
	var methods []string
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		methods = append(methods, r.Method)
		mu.Unlock()
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	client, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	repo, err := client.Repository(strings.TrimPrefix(server.URL, "http://") + "/schemahero/plugins/postgres")
	if err != nil {
		t.Fatal(err)
	}
	r := release(t, "0.1.0", "text")
	o := publish.Options{Temp: t.TempDir()}
	first, err := publish.Push(t.Context(), repo, r, o)
	if err != nil {
		t.Fatal(err)
	}
	rel, err := artifact.ReadReference(t.Context(), repo, "postgres", "latest")
	if err != nil || rel.Digest != first.Digest || rel.Version != "0.1.0" || len(rel.Builds) != 2 {
		t.Fatalf("read back %+v, %v", rel, err)
	}
	for _, b := range rel.Builds {
		if err := artifact.CheckSum(t.Context(), repo, b); err != nil {
			t.Error(err)
		}
	}
	methods = nil
	again, err := publish.Push(t.Context(), repo, r, o)
	if err != nil || !again.Kept || again.Digest != first.Digest {
		t.Errorf("again: %+v, %v", again, err)
	}
	for _, m := range methods {
		if m != http.MethodHead && m != http.MethodGet {
			t.Errorf("pushed again: %v", methods)
			break
		}
	}
	other, err := client.Repository(strings.TrimPrefix(server.URL, "http://") + "/copies/postgres")
	if err != nil {
		t.Fatal(err)
	}
	copied, err := publish.Republish(t.Context(), other, repo, "0.1.0", publish.Release{Name: "postgres"}, o)
	if err != nil || copied.Digest != first.Digest {
		t.Errorf("an index published elsewhere is %+v, %v, want %s", copied, err, first.Digest)
	}
}
