package registry

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func zipped(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func deflated(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What a server compresses unasked is unpacked; what is stored compressed, and
// labelled so, is not.
func TestContentCoding(t *testing.T) {
	layer := zipped(t, content(5000))
	for name, tc := range map[string]struct {
		coding string
		really func(testing.TB, []byte) []byte // nil: a label only
		length bool
	}{
		"gzip":                 {"gzip", zipped, true},
		"gzip, chunked":        {"gzip", zipped, false},
		"gzip over nothing":    {"identity, gzip", zipped, true},
		"deflate":              {"deflate", deflated, true},
		"deflate, chunked":     {"Deflate", deflated, false},
		"a label only":         {"x-gzip", nil, true},
		"a label only, chunks": {"gzip", nil, false},
		"deflate in name only": {"deflate", nil, false},
		"identity":             {"identity", nil, true},
		"another label":        {"aws-chunked", nil, true},
	} {
		r := registrytest.New(t)
		desc, data := r.Manifest(t, "db/x", "one", "1.0.0")
		blobs := map[string]ocispec.Descriptor{"layer": r.Blob(t, "db/x", layer), "config": r.Blob(t, "db/x", []byte(`{"a":1}`)), "plain": r.Blob(t, "db/x", content(900))}
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			if req.Header.Get("Accept-Encoding") != "identity" {
				t.Errorf("asked with %v", req.Header)
			}
			if req.Method == http.MethodHead {
				w.Header().Set("Content-Encoding", tc.coding)
				return false
			}
			rec := httptest.NewRecorder()
			r.Inner.ServeHTTP(rec, req)
			body := rec.Body.Bytes()
			if tc.really != nil {
				body = tc.really(t, body)
			}
			rec.Header().Set("Content-Encoding", tc.coding)
			if tc.length {
				registrytest.Send(w, rec, body, len(body))
				return true
			}
			copyHeader(w, rec)
			w.Header().Del("Content-Length")
			w.WriteHeader(rec.Code)
			w.(http.Flusher).Flush()
			w.Write(body)
			return true
		})
		c, _ := newClient(t, Options{})
		repo := repository(t, c, r.Host()+"/db/x")
		if tags, err := allTags(repo); err != nil || len(tags) != 1 {
			t.Errorf("%s: tags %v %v", name, tags, err)
		}
		if got, err := repo.Resolve(context.Background(), "1.0.0"); err != nil || got.Size != desc.Size {
			t.Errorf("%s: %+v %v", name, got, err)
		}
		if _, got, err := repo.Manifest(context.Background(), "1.0.0"); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: manifest: %v", name, err)
		}
		for what, blob := range blobs {
			blob.MediaType = "application/octet-stream"
			if what == "config" {
				blob.MediaType = ocispec.MediaTypeImageConfig
			}
			if what == "plain" && tc.really != nil && !tc.length {
				continue // nothing tells what was meant
			}
			if got, err := readBlob(repo, blob); err != nil || int64(len(got)) != blob.Size {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
	}
}

// How much comes out of a coding is bounded as everything else is, and what does
// not unpack is told as that.
func TestContentCodingIsBounded(t *testing.T) {
	bomb := zipped(t, append([]byte(`{"tags":["`), bytes.Repeat([]byte("a"), 40<<20)...))
	for name, body := range map[string][]byte{"a bomb": bomb, "damaged": append(bytes.Clone(bomb[:len(bomb)/2]), content(50)...)} {
		r := registrytest.New(t)
		desc := r.Blob(t, "db/x", content(1000))
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(body)
			return true
		})
		c, _ := newClient(t, Options{})
		repo := repository(t, c, r.Host()+"/db/x")
		_, err := allTags(repo)
		wantError[*ProtocolError](t, err)
		_, _, err = repo.Manifest(context.Background(), "1.0.0")
		if !errors.As(err, new(*artifact.IntegrityError)) {
			t.Errorf("%s: manifest: %v", name, err)
		}
		if got, err := readBlob(repo, desc); err == nil || int64(len(got)) > desc.Size {
			t.Errorf("%s: blob: %d bytes, %v", name, len(got), err)
		}
	}
	r := registrytest.New(t)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(append(bytes.Clone(zipped(t, content(100))[:40]), content(500)...))
		return true
	})
	c, _ := newClient(t, Options{})
	_, _, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0")
	if e := wantError[*ProtocolError](t, err); !strings.Contains(e.Problem, "does not unpack") {
		t.Errorf("%v", err)
	}
}

func copyHeader(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	for key, values := range rec.Header() {
		w.Header()[key] = values
	}
}
