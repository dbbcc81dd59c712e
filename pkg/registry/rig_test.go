package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// rig is a registry in process behind a proxy that can misbehave.
type rig struct {
	*httptest.Server
	inner http.Handler

	mu    sync.Mutex
	log   []record
	fault func(n int, w http.ResponseWriter, r *http.Request) bool // true where it answered
}

// record is a request as it arrived.
type record struct {
	method, uri, auth, rng string
	header                 http.Header
}

func (r record) String() string { return r.method + " " + r.uri }

func newRig(t testing.TB) *rig { return startRig(t, false) }

func newTLSRig(t testing.TB) *rig { return startRig(t, true) }

func startRig(t testing.TB, tls bool) *rig {
	t.Helper()
	quiet := log.New(io.Discard, "", 0)
	r := &rig{inner: ggcr.New(ggcr.Logger(quiet))}
	r.Server = httptest.NewUnstartedServer(r)
	r.Config.ErrorLog = quiet
	if tls {
		r.EnableHTTP2 = true
		r.StartTLS()
	} else {
		r.Start()
	}
	t.Cleanup(r.Close)
	return r
}

func (r *rig) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.log = append(r.log, record{req.Method, req.URL.RequestURI(), req.Header.Get("Authorization"), req.Header.Get("Range"), req.Header.Clone()})
	n, fault := len(r.log), r.fault
	r.mu.Unlock()
	if fault != nil && fault(n, w, req) {
		return
	}
	r.inner.ServeHTTP(w, req)
}

// host is the registry's HOST:PORT.
func (r *rig) host() string { return r.Listener.Addr().String() }

func (r *rig) seen() []record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log)
}

// count is how many requests began with a prefix of "METHOD URI".
func (r *rig) count(prefix string) (n int) {
	for _, rec := range r.seen() {
		if strings.HasPrefix(rec.String(), prefix) {
			n++
		}
	}
	return n
}

// setFault sets what answers in place of the registry, and forgets the log.
func (r *rig) setFault(f func(n int, w http.ResponseWriter, req *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault, r.log = f, nil
}

// direct asks the registry behind the proxy.
func (r *rig) direct(t testing.TB, method, uri, contentType string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(method, uri, bytes.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	r.inner.ServeHTTP(w, req)
	if w.Code >= 400 && method != http.MethodHead {
		t.Fatalf("%s %s: %d %s", method, uri, w.Code, w.Body)
	}
	return w
}

// blob stores a blob.
func (r *rig) blob(t testing.TB, repo string, data []byte) ocispec.Descriptor {
	t.Helper()
	d := digest.FromBytes(data)
	r.direct(t, "POST", "/v2/"+repo+"/blobs/uploads/?digest="+d.String(), "application/octet-stream", data)
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: d, Size: int64(len(data))}
}

// manifest stores a manifest of one layer, under each of the tags.
func (r *rig) manifest(t testing.TB, repo, content string, tags ...string) (ocispec.Descriptor, []byte) {
	t.Helper()
	layer := r.blob(t, repo, []byte(content))
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: ocispec.DescriptorEmptyJSON, Layers: []ocispec.Descriptor{layer}}
	m.SchemaVersion = 2
	r.blob(t, repo, []byte("{}"))
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	desc := ocispec.Descriptor{MediaType: m.MediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	for _, reference := range append(tags, desc.Digest.String()) {
		r.direct(t, "PUT", "/v2/"+repo+"/manifests/"+reference, m.MediaType, data)
	}
	return desc, data
}

// refuse answers with a registry's error.
func refuse(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"as asked for by the test"}]}`, code)
	return true
}

// content is pseudo-random and the same each time.
func content(n int) []byte {
	data := make([]byte, n)
	x := uint32(2463534242)
	for i := range data {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		data[i] = byte(x)
	}
	return data
}

// cutAfter sends an answer's headers and its first n bytes, then cuts the
// connection.
func (r *rig) cutAfter(n int, w http.ResponseWriter, req *http.Request) {
	rec := httptest.NewRecorder()
	r.inner.ServeHTTP(rec, req)
	copyAnswer(w, rec, rec.Body.Bytes()[:min(n, rec.Body.Len())], rec.Body.Len())
	panic(http.ErrAbortHandler)
}

func copyAnswer(w http.ResponseWriter, rec *httptest.ResponseRecorder, body []byte, length int) {
	for key, values := range rec.Header() {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(rec.Code)
	w.Write(body)
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

func descriptorOf(content string) ocispec.Descriptor {
	return ocispec.Descriptor{Digest: digest.FromString(content), Size: int64(len(content))}
}
