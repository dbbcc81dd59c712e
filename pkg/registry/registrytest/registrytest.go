// Package registrytest is a registry in memory, for tests alone: it keeps what
// was asked of it, and a test can answer in its place.
package registrytest

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Registry is a registry on loopback.
type Registry struct {
	*httptest.Server
	Inner http.Handler // the registry itself

	mu    sync.Mutex
	more  *sync.Cond // the log has grown
	log   []Request
	fault Fault
}

// Request is a request as it arrived.
type Request struct {
	Method, URI string
	Header      http.Header
}

// Auth is what the request bore to be let in.
func (r Request) Auth() string { return r.Header.Get("Authorization") }

// Range is the part that it asked for.
func (r Request) Range() string { return r.Header.Get("Range") }

func (r Request) String() string { return r.Method + " " + r.URI }

// Fault answers the n-th request in place of the registry, and reports whether
// it did.
type Fault = func(n int, w http.ResponseWriter, req *http.Request) bool

// New starts a registry that is not ours, over HTTP, until the test ends.
func New(t testing.TB) *Registry {
	r := Over(Memory(false))
	t.Cleanup(r.Close)
	return r
}

// NewTLS starts one over HTTPS, with HTTP/2. setup may change its server before;
// nil changes nothing.
func NewTLS(t testing.TB, setup func(*httptest.Server)) *Registry {
	r := unstarted(Memory(false))
	r.EnableHTTP2 = setup == nil
	if setup != nil {
		setup(r.Server)
	}
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

// Over starts a server in front of any registry.
func Over(inner http.Handler) *Registry {
	r := unstarted(inner)
	r.Start()
	return r
}

// Memory is the registry behind New, with the referrers API or without it.
func Memory(referrers bool) http.Handler {
	return ggcr.New(ggcr.WithReferrersSupport(referrers), ggcr.Logger(log.New(io.Discard, "", 0)))
}

func unstarted(inner http.Handler) *Registry {
	r := &Registry{Inner: inner}
	r.more = sync.NewCond(&r.mu)
	r.Server = httptest.NewUnstartedServer(r)
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	return r
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.log = append(r.log, Request{req.Method, req.URL.RequestURI(), req.Header.Clone()})
	r.more.Broadcast()
	n, fault := len(r.log), r.fault
	r.mu.Unlock()
	if fault == nil || !fault(n, w, req) {
		r.Inner.ServeHTTP(w, req)
	}
}

// Host is the registry's HOST:PORT.
func (r *Registry) Host() string { return r.Listener.Addr().String() }

// Seen returns the requests so far.
func (r *Registry) Seen() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log)
}

// Take returns the requests so far, and forgets them.
func (r *Registry) Take() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.log
	r.log = nil
	return taken
}

// Count returns how many requests began with a prefix of "METHOD URI".
func (r *Registry) Count(prefix string) (n int) {
	for _, req := range r.Seen() {
		if strings.HasPrefix(req.String(), prefix) {
			n++
		}
	}
	return n
}

// Await waits for a request whose "METHOD URI" contains a text.
func (r *Registry) Await(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !slices.ContainsFunc(r.log, func(req Request) bool { return strings.Contains(req.String(), text) }) {
		r.more.Wait()
	}
}

// SetFault sets what answers in place of the registry, and forgets the requests
// so far.
func (r *Registry) SetFault(f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault, r.log = f, nil
}

// Direct asks the registry itself. A refusal of anything but HEAD ends the test.
func (r *Registry) Direct(t testing.TB, method, uri, contentType string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(method, uri, bytes.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	r.Inner.ServeHTTP(w, req)
	if w.Code >= 400 && method != http.MethodHead {
		t.Fatalf("%s %s: %d %s", method, uri, w.Code, w.Body)
	}
	return w
}

// Blob stores a blob.
func (r *Registry) Blob(t testing.TB, repo string, data []byte) ocispec.Descriptor {
	t.Helper()
	d := digest.FromBytes(data)
	r.Direct(t, "POST", "/v2/"+repo+"/blobs/uploads/?digest="+d.String(), "application/octet-stream", data)
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: d, Size: int64(len(data))}
}

// Put stores a manifest or index, under each of the tags too.
func (r *Registry) Put(t testing.TB, repo, mediaType string, v any, tags ...string) (ocispec.Descriptor, []byte) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	for _, reference := range append(tags, desc.Digest.String()) {
		r.Direct(t, "PUT", "/v2/"+repo+"/manifests/"+reference, mediaType, data)
	}
	return desc, data
}

// Manifest stores a manifest of one layer, under each of the tags too.
func (r *Registry) Manifest(t testing.TB, repo, content string, tags ...string) (ocispec.Descriptor, []byte) {
	t.Helper()
	m := ocispec.Manifest{
		MediaType: ocispec.MediaTypeImageManifest, Config: ocispec.DescriptorEmptyJSON,
		Layers: []ocispec.Descriptor{r.Blob(t, repo, []byte(content))},
	}
	m.SchemaVersion = 2
	r.Blob(t, repo, []byte("{}"))
	return r.Put(t, repo, m.MediaType, m, tags...)
}

// CutAfter sends the registry's answer with the first n bytes of its body, then
// cuts the connection.
func (r *Registry) CutAfter(n int, w http.ResponseWriter, req *http.Request) {
	rec := httptest.NewRecorder()
	r.Inner.ServeHTTP(rec, req)
	Send(w, rec, rec.Body.Bytes()[:min(n, rec.Body.Len())], rec.Body.Len())
	panic(http.ErrAbortHandler)
}

// Send answers as was recorded, with another body and Content-Length.
func Send(w http.ResponseWriter, rec *httptest.ResponseRecorder, body []byte, length int) {
	for key, values := range rec.Header() {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}
