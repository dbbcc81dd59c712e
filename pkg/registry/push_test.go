package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func opener(data []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// signature makes a manifest that refers to a release.
func signature(t testing.TB, r *registrytest.Registry, repo string) (subject digest.Digest, desc ocispec.Descriptor, data []byte) {
	t.Helper()
	release, _ := r.Manifest(t, repo, "one", "1.0.0")
	m := ocispec.Manifest{
		MediaType: ocispec.MediaTypeImageManifest, ArtifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		Config: ocispec.DescriptorEmptyJSON, Layers: []ocispec.Descriptor{r.Blob(t, repo, []byte("signature"))},
		Subject: &release, Annotations: map[string]string{"who": "test"},
	}
	m.SchemaVersion = 2
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return release.Digest, ocispec.Descriptor{MediaType: m.MediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}, data
}

func TestPush(t *testing.T) {
	r := registrytest.New(t)
	ctx := context.Background()
	c, _ := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/db/x")
	data := content(200_000)
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.FromBytes(data), Size: int64(len(data))}
	for range 2 {
		if err := repo.PushBlob(ctx, desc, opener(data)); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.Count("PUT /v2/db/x/blobs/"); n != 1 {
		t.Errorf("uploaded %d times", n)
	}
	if got, err := readBlob(repo, desc); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read back: %v", err)
	}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: ocispec.DescriptorEmptyJSON, Layers: []ocispec.Descriptor{desc}}
	m.SchemaVersion = 2
	body, _ := json.Marshal(m)
	md := ocispec.Descriptor{MediaType: m.MediaType, Digest: digest.FromBytes(body), Size: int64(len(body))}
	if ok, err := repo.Exists(ctx, md); ok || err != nil {
		t.Errorf("exists: %v %v", ok, err)
	}
	if err := repo.PushManifest(ctx, md, body); err != nil {
		t.Fatal(err)
	}
	if ok, err := repo.Exists(ctx, md); !ok || err != nil {
		t.Errorf("exists: %v %v", ok, err)
	}
	if err := repo.PushManifest(ctx, md, body, "1.0.0", "1.0", "latest"); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"1.0.0", "1.0", "latest"} {
		if got, err := repo.Resolve(ctx, tag); err != nil || got.Digest != md.Digest {
			t.Errorf("%s: %v %v", tag, got.Digest, err)
		}
	}
	err := repo.PushManifest(ctx, md, append(body, ' '), "1.0.0")
	wantError[*artifact.IntegrityError](t, err)
}

func TestPushBlobIsRetried(t *testing.T) {
	r := registrytest.New(t)
	data := content(500_000)
	desc := ocispec.Descriptor{Digest: digest.FromBytes(data), Size: int64(len(data))}
	var puts atomic.Int32 // a cut connection's handler can still run beside the next one
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPut {
			return false
		}
		switch puts.Add(1) {
		case 1:
			io.CopyN(io.Discard, req.Body, 100_000)
			panic(http.ErrAbortHandler)
		case 2:
			io.Copy(io.Discard, req.Body)
			return refuse(w, http.StatusBadGateway, "UNAVAILABLE")
		}
		return false
	})
	c, k := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/db/x")
	opened := 0
	err := repo.PushBlob(context.Background(), desc, func() (io.ReadCloser, error) {
		opened++
		return opener(data)()
	})
	if err != nil || opened != 3 || len(k.slept) != 2 {
		t.Fatalf("%v, opened %d times, waits %v", err, opened, k.slept)
	}
	if got, err := readBlob(repo, desc); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read back: %v", err)
	}
}

// What goes wrong in making the content is told as it is, once.
func TestPushBlobContentFails(t *testing.T) {
	r := registrytest.New(t)
	broken := errors.New("disk on fire")
	c, k := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/db/x")
	desc := ocispec.Descriptor{Digest: digest.FromString("x"), Size: 100_000}
	for name, open := range map[string]func() (io.ReadCloser, error){
		"open": func() (io.ReadCloser, error) { return nil, broken },
		"read": func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 50_000)), failing{broken})), nil
		},
	} {
		if err := repo.PushBlob(context.Background(), desc, open); err != broken || len(k.slept) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestPushBlobStalls(t *testing.T) {
	r := registrytest.New(t)
	data := make([]byte, 32<<20) // more than any buffer on the way
	desc := ocispec.Descriptor{Digest: digest.FromBytes(data), Size: int64(len(data))}
	release := make(chan bool)
	t.Cleanup(func() { close(release) })
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPut {
			<-release // reads nothing
			panic(http.ErrAbortHandler)
		}
		return false
	})
	c, _ := newClient(t, Options{tests: wire.Options{IdleTimeout: 30 * time.Millisecond, Now: time.Now, Sleep: func(ctx context.Context, d time.Duration) error { return errors.New("told to wait") }}})
	err := repository(t, c, r.Host()+"/db/x").PushBlob(context.Background(), desc, opener(data))
	if err == nil || err.Error() != "told to wait" {
		t.Errorf("error: %v", err)
	}
}

func TestMount(t *testing.T) {
	r := registrytest.New(t)
	desc := r.Blob(t, "db/a", content(100))
	c, _ := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/db/b")
	ctx := context.Background()
	var query string
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		query = req.URL.RawQuery
		if strings.Contains(query, "from=db%2Fa") {
			w.WriteHeader(http.StatusCreated)
			return true
		}
		return refuse(w, http.StatusForbidden, "DENIED")
	})
	if ok, err := repo.Mount(ctx, desc, r.Host()+"/db/a"); !ok || err != nil || !strings.Contains(query, "mount="+desc.Digest.String()) {
		t.Errorf("mount: %v %v, asked %q", ok, err, query)
	}
	if ok, err := repo.Mount(ctx, desc, r.Host()+"/db/other"); ok || err != nil {
		t.Errorf("refused: %v %v", ok, err)
	}
	before := len(r.Seen())
	if ok, err := repo.Mount(ctx, desc, "elsewhere.example/db/a"); ok || err != nil || len(r.Seen()) != before {
		t.Errorf("another registry: %v %v", ok, err)
	}
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("Location", "/v2/db/b/blobs/uploads/1")
		w.WriteHeader(http.StatusAccepted)
		return true
	})
	if ok, err := repo.Mount(ctx, desc, r.Host()+"/db/a"); ok || err != nil {
		t.Errorf("upload begun: %v %v", ok, err)
	}
}

func TestPushReferrer(t *testing.T) {
	ctx := context.Background()
	for _, api := range []bool{true, false} {
		r := registrytest.New(t)
		r.Inner = registrytest.Memory(api)
		subject, desc, data := signature(t, r, "db/x")
		var told events
		c, _ := newClient(t, Options{Events: told.add})
		repo := repository(t, c, r.Host()+"/db/x")
		for range 2 {
			if err := repo.PushManifest(ctx, desc, data); err != nil {
				t.Fatal(err)
			}
		}
		list, err := repo.Referrers(ctx, subject)
		if err != nil || len(list) != 1 || list[0].Digest != desc.Digest || list[0].Size != desc.Size {
			t.Fatalf("api=%v: %+v %v", api, list, err)
		}
		_, err = repo.Resolve(ctx, "sha256-"+subject.Encoded())
		if (err == nil) == api || (len(told.of(wire.EventFallback)) == 1) == api {
			t.Errorf("api=%v: fallback tag: %v, events %+v", api, err, told.of(wire.EventFallback))
		}
		if !api && (list[0].ArtifactType != "application/vnd.dev.sigstore.bundle.v0.3+json" || list[0].Annotations["who"] != "test") {
			t.Errorf("entry: %+v", list[0])
		}
	}
}

// Two who sign one release through one client both end up in the fallback tag.
func TestPushReferrersTogether(t *testing.T) {
	r := registrytest.New(t)
	subject, _, data := signature(t, r, "db/x")
	c, _ := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/db/x")
	const n = 5
	errs := make(chan error, n)
	for i := range n {
		go func() {
			other := bytes.Replace(data, []byte(`"who":"test"`), []byte(`"who":"`+strings.Repeat("x", i+1)+`"`), 1)
			errs <- repo.PushManifest(context.Background(), ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(other), Size: int64(len(other))}, other)
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if list, err := repo.Referrers(context.Background(), subject); err != nil || len(list) != n {
		t.Errorf("%d referrers, %v", len(list), err)
	}
}

func TestUploadLocation(t *testing.T) {
	asked := httptest.NewRequest(http.MethodPost, "https://registry.example/v2/db/x/blobs/uploads/", nil)
	for location, want := range map[string]string{
		"/v2/db/x/blobs/uploads/1?_state=a":   "https://registry.example/v2/db/x/blobs/uploads/1?_state=a",
		"http://registry.example/up/1":        "https://registry.example/up/1",
		"https://other.example/up/1":          "https://other.example/up/1",
		"https://u:p@registry.example/up":     "https://registry.example/up",
		"http://other.example/up/1":           "",
		"http://registry.example.evil.org/up": "",
		"":                                    "",
		"file:///etc/passwd":                  "",
	} {
		c, _ := newClient(t, Options{})
		r := repository(t, c, "registry.example/db/x").(*remote)
		u, err := r.location(&http.Response{Request: asked, Header: http.Header{"Location": {location}}})
		if want == "" && err == nil || want != "" && (err != nil || u.String() != want) {
			t.Errorf("%q: %v %v, want %q", location, u, err, want)
		}
	}
}

// A registry's no to a tag is for good; a hiccup, or a no to who asks, is not.
func TestIsRefusal(t *testing.T) {
	r := registrytest.New(t)
	desc, data := r.Manifest(t, "db/x", "one", "1.0.0")
	for status, want := range map[int]struct {
		refusal bool
		kind    fault.Kind
	}{
		400: {true, fault.Failure}, 405: {true, fault.Failure}, 409: {true, fault.Failure}, 412: {true, fault.Failure}, 422: {true, fault.Failure},
		403: {true, fault.Denied},
		401: {false, fault.Denied}, 404: {false, fault.Unsatisfied},
		408: {false, fault.Unreachable}, 429: {false, fault.Unreachable}, 500: {false, fault.Unreachable}, 503: {false, fault.Unreachable},
	} {
		r.SetFault(func(_ int, w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodPut && refuse(w, status, "TAG_INVALID")
		})
		c, _ := newClient(t, Options{})
		err := repository(t, c, r.Host()+"/db/x").PushManifest(t.Context(), desc, data, "latest")
		if err == nil || IsRefusal(err) != want.refusal || fault.Of(err) != want.kind {
			t.Errorf("%d: refusal %v, kind %v: %v", status, IsRefusal(err), fault.Of(err), err)
		}
	}
}
