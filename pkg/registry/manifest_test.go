package registry

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func TestManifest(t *testing.T) {
	r := registrytest.New(t)
	desc, data := r.Manifest(t, "db/x", "one", "1.0.0")
	c, _ := newClient(t, Options{CacheDir: t.TempDir()})
	repo := repository(t, c, r.Host()+"/db/x")
	ctx := context.Background()
	if repo.Name() != r.Host()+"/db/x" {
		t.Errorf("name %q", repo.Name())
	}
	resolved, err := repo.Resolve(ctx, "1.0.0")
	if err != nil || resolved.Digest != desc.Digest || resolved.Size != desc.Size || resolved.MediaType != desc.MediaType {
		t.Errorf("resolve: %+v %v", resolved, err)
	}
	got, body, err := repo.Manifest(ctx, "1.0.0")
	if err != nil || got.Digest != desc.Digest || got.MediaType != desc.MediaType || !bytes.Equal(body, data) {
		t.Errorf("by tag: %+v %v", got, err)
	}
	// The digest is at hand now, and so is what the tag named: a HEAD tells.
	for range 2 {
		if _, body, err = repo.Manifest(ctx, desc.Digest.String()); err != nil || !bytes.Equal(body, data) {
			t.Errorf("by digest: %v", err)
		}
		if _, body, err = repo.Manifest(ctx, "1.0.0"); err != nil || !bytes.Equal(body, data) {
			t.Errorf("by tag again: %v", err)
		}
	}
	s := c.Stats()
	if s.Requests[wire.KindManifest] != 1 || s.Requests[wire.KindHead] != 3 || s.Bytes[wire.KindManifest] != int64(len(data)) || s.Cached != 4 {
		t.Errorf("stats: %+v", s)
	}
	for _, reference := range []string{"2.0.0", digest.FromString("other").String()} {
		_, _, err := repo.Manifest(ctx, reference)
		if e := wantError[*NotFoundError](t, err); e.Reference != reference || !errors.Is(err, artifact.ErrNotFound) {
			t.Errorf("error: %#v", e)
		}
	}
	_, err = repo.Resolve(ctx, "2.0.0")
	wantError[*NotFoundError](t, err)
}

func TestManifestCache(t *testing.T) {
	r := registrytest.New(t)
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "cache")
	first, _ := r.Manifest(t, "db/x", "one", "latest")
	open := func() (*Client, Repository) {
		c, _ := newClient(t, Options{CacheDir: dir})
		return c, repository(t, c, r.Host()+"/db/x")
	}
	_, repo := open()
	if _, _, err := repo.Manifest(ctx, "latest"); err != nil {
		t.Fatal(err)
	}
	c, repo := open()
	if got, _, err := repo.Manifest(ctx, "latest"); err != nil || got.Digest != first.Digest || got.MediaType != first.MediaType {
		t.Errorf("cached: %+v %v", got, err)
	}
	if s := c.Stats(); s.Requests[wire.KindManifest] != 0 || s.Requests[wire.KindHead] != 1 {
		t.Errorf("an unmoved tag cost %v", s.Requests)
	}
	second, data := r.Manifest(t, "db/x", "two", "latest")
	c, repo = open()
	got, body, err := repo.Manifest(ctx, "latest")
	if err != nil || got.Digest != second.Digest || !bytes.Equal(body, data) {
		t.Errorf("moved tag: %+v %v", got, err)
	}
	if s := c.Stats(); s.Requests[wire.KindManifest] != 1 || s.Requests[wire.KindHead] != 1 {
		t.Errorf("a moved tag cost %v", s.Requests)
	}

	// A file that was damaged is a miss, and is written again.
	file := filepath.Join(dir, "sha256", second.Digest.Encoded())
	write(t, file, data[:20])
	c, repo = open()
	if _, body, err = repo.Manifest(ctx, second.Digest.String()); err != nil || !bytes.Equal(body, data) || c.Stats().Requests[wire.KindManifest] != 1 {
		t.Errorf("damaged: %v %v", err, c.Stats().Requests)
	}
	if now, _ := os.ReadFile(file); !bytes.Equal(now, data) {
		t.Error("the damaged file was left")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", ".tmp-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A cache that cannot be written to costs requests, not results.
func TestManifestCacheUnwritable(t *testing.T) {
	r := registrytest.New(t)
	r.Manifest(t, "db/x", "one", "1.0.0")
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	var told events
	c, _ := newClient(t, Options{CacheDir: filepath.Join(file, "cache"), Events: told.add})
	if _, _, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0"); err != nil {
		t.Error(err)
	}
	if len(told.of(EventWarning)) != 1 {
		t.Errorf("events: %v", told.all)
	}
}

func TestManifestOnceForAll(t *testing.T) {
	r := registrytest.New(t)
	desc, data := r.Manifest(t, "db/x", "one", "1.0.0")
	arrived := make(chan bool)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool { <-arrived; return false })
	c, _ := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/db/x")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, body, err := repo.Manifest(context.Background(), desc.Digest.String()); err != nil || !bytes.Equal(body, data) {
				t.Error(err)
			}
		})
	}
	// One who gives up does not take the others with it.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := repo.Manifest(ctx, desc.Digest.String()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	close(arrived)
	wg.Wait()
	if n := c.Stats().Requests[wire.KindManifest]; n > 2 { // the cancelled one may have been first
		t.Errorf("%d requests", n)
	}
}

func TestManifestIntegrity(t *testing.T) {
	good := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[]}`)
	d := digest.FromBytes(good)
	for name, tc := range map[string]struct {
		reference string
		stated    string
		body      []byte
	}{
		"digest":                {d.String(), "", append(good, ' ')},
		"digest, header agrees": {d.String(), d.String(), append(good, ' ')},
		"tag":                   {"1.0.0", d.String(), append(good, ' ')},
		"too large":             {"1.0.0", "", make([]byte, artifact.MaxManifest+1)},
	} {
		r := registrytest.New(t)
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			if tc.stated != "" {
				w.Header().Set("Docker-Content-Digest", tc.stated)
			}
			w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
			w.WriteHeader(http.StatusOK)
			if strings.HasPrefix(name, "too") {
				w.(http.Flusher).Flush() // without Content-Length
			}
			w.Write(tc.body)
			return true
		})
		c, _ := newClient(t, Options{CacheDir: t.TempDir()})
		_, _, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), tc.reference)
		if e := wantError[*artifact.IntegrityError](t, err); e.ServedBy != r.Host() || len(r.Seen()) != 1 {
			t.Errorf("%s: %#v after %d requests", name, e, len(r.Seen()))
		}
	}
}

// Registries that leave out what a HEAD should tell are asked with a GET.
func TestResolveWithoutDigest(t *testing.T) {
	r := registrytest.New(t)
	desc, data := r.Manifest(t, "db/x", "one", "1.0.0")
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("Content-Type", desc.MediaType)
		if req.Method == http.MethodGet {
			w.Write(data)
		}
		return true
	})
	c, _ := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/db/x")
	for range 2 {
		if got, err := repo.Resolve(context.Background(), "1.0.0"); err != nil || got.Digest != desc.Digest || got.Size != desc.Size {
			t.Errorf("%+v %v", got, err)
		}
		if got, _, err := repo.Manifest(context.Background(), "1.0.0"); err != nil || got.Digest != desc.Digest {
			t.Errorf("%+v %v", got, err)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	for _, tc := range []struct{ body, header, want string }{
		{`{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`, ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex},
		{`{"manifests":[]}`, "application/json", ocispec.MediaTypeImageIndex},
		{`{"config":{},"layers":[]}`, "", ocispec.MediaTypeImageManifest},
		{`{"config":{},"layers":[],"manifests":[]}`, "application/vnd.example", "application/vnd.example"},
		{`{"blobs":[]}`, "application/vnd.example", "application/vnd.example"},
		{`no JSON`, "text/plain", "text/plain"},
	} {
		if got := newManifest("", []byte(tc.body), tc.header).desc.MediaType; got != tc.want {
			t.Errorf("%s: %s, want %s", tc.body, got, tc.want)
		}
	}
}

func TestReferencesRefused(t *testing.T) {
	r := registrytest.New(t)
	c, _ := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/db/x")
	for _, reference := range []string{"", "../x", "a/b", "1.0.0?x", "sha256:abc", "sha256:" + strings.Repeat("z", 64), "md5:d41d8cd98f00b204e9800998ecf8427e", strings.Repeat("a", 129)} {
		_, _, err := repo.Manifest(context.Background(), reference)
		wantError[*ReferenceError](t, err)
		_, err = repo.Resolve(context.Background(), reference)
		wantError[*ReferenceError](t, err)
	}
	for _, desc := range []ocispec.Descriptor{{Digest: "sha256:../../x"}, {Digest: digest.FromString("x"), Size: -1}} {
		_, err := repo.Blob(context.Background(), desc)
		wantError[*ReferenceError](t, err)
	}
	for _, name := range []string{"", "db", "host/", "/db/x", "h.example/DB/x", "h.example/db:1.0.0", "h.example/db@sha256:x", "https://h.example/db", "h.example/../x", "h example/db", "h.example/db/{name}", "user@h.example/x", "h.example/a?b"} {
		_, err := c.Repository(name)
		if err == nil {
			t.Errorf("%q is taken", name)
			continue
		}
		wantError[*ReferenceError](t, err)
	}
	if len(r.Seen()) != 0 {
		t.Errorf("requests: %v", r.Seen())
	}
}
