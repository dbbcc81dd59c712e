package registry

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func TestCatalog(t *testing.T) {
	r := registrytest.New(t)
	for _, repo := range []string{"a/one", "b/two"} {
		r.Manifest(t, repo, repo, "1.0.0")
	}
	c, _ := newClient(t, Options{})
	var names []string
	collect := func(page []string) error { names = append(names, page...); return nil }
	if err := c.Catalog(context.Background(), r.Host(), collect); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if want := []string{r.Host() + "/a/one", r.Host() + "/b/two"}; !slices.Equal(names, want) {
		t.Errorf("catalog: %v", names)
	}
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool { http.NotFound(w, req); return true })
	for _, host := range []string{r.Host(), "docker.io"} {
		err := c.Catalog(context.Background(), host, collect)
		if e := wantError[*NotSupportedError](t, err); e.Host != host {
			t.Errorf("error: %#v", e)
		}
	}
}
