package registry

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func TestBlobBadRanges(t *testing.T) {
	data := content(100_000)
	for name, answer := range map[string]func(w http.ResponseWriter){
		"wrong start": func(w http.ResponseWriter) {
			w.Header().Set("Content-Range", "bytes 0-99999/100000")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(data)
		},
		"wrong size": func(w http.ResponseWriter) {
			w.Header().Set("Content-Range", "bytes 60000-99999/200000")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(data[60_000:])
		},
		"short": func(w http.ResponseWriter) {
			w.Header().Set("Content-Range", "bytes 60000-69999/100000")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(data[60_000:70_000])
		},
		"no content-range": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusPartialContent)
			w.Write(data[60_000:])
		},
		"not satisfiable": func(w http.ResponseWriter) { refuse(w, http.StatusRequestedRangeNotSatisfiable, "RANGE") },
	} {
		t.Run(name, func(t *testing.T) {
			r := registrytest.New(t)
			desc := r.Blob(t, "db/postgres", data)
			r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
				switch n {
				case 1:
					r.CutAfter(60_000, w, req)
				case 2:
					if req.Header.Get("Range") != "bytes=60000-99999" {
						t.Errorf("range asked for: %q", req.Header.Get("Range"))
					}
					answer(w)
					return true
				}
				return false
			})
			c, _ := newClient(t, Options{})
			got, err := readBlob(repository(t, c, r.Host()+"/db/postgres"), desc)
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
			if seen := r.Seen(); len(seen) != 3 || seen[2].Range() != "" {
				t.Errorf("requests: %v", seen)
			}
		})
	}
}

func TestBlobIntegrity(t *testing.T) {
	data := content(100_000)
	flipped := bytes.Clone(data)
	flipped[50_000] ^= 1
	chunked := func(body []byte) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush() // no Content-Length
			w.Write(body)
		}
	}
	whole := func(body []byte) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.Write(body) }
	}
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter)
		size   int64 // as reported, 0: the digest is
	}{
		"one bit":        {whole(flipped), 0},
		"short":          {whole(data[:2000]), 2000},
		"long":           {whole(append(bytes.Clone(data), 'x')), 100_001},
		"short, chunked": {chunked(data[:99_000]), 99_000},
		"long, chunked":  {chunked(append(bytes.Clone(data), "more"...)), 100_001},
	} {
		t.Run(name, func(t *testing.T) {
			r := registrytest.New(t)
			desc := r.Blob(t, "db/postgres", data)
			r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
				tc.answer(w)
				return true
			})
			c, _ := newClient(t, Options{})
			_, err := readBlob(repository(t, c, r.Host()+"/db/postgres"), desc)
			e := wantError[*artifact.IntegrityError](t, err)
			if e.Digest != desc.Digest || e.ServedBy != r.Host() {
				t.Errorf("error: %#v", e)
			}
			if tc.size == 0 && e.Got != digest.FromBytes(flipped) || tc.size != 0 && (e.GotSize != tc.size || e.Got != "") {
				t.Errorf("error: %#v", e)
			}
			if len(r.Seen()) != 1 {
				t.Errorf("tried again: %v", r.Seen())
			}
			t.Log(err)
		})
	}
}

// A blob that another one is put in place of between two answers is found out
// by the digest of the whole.
func TestBlobResumedFromAnotherOne(t *testing.T) {
	r := registrytest.New(t)
	data := content(100_000)
	desc := r.Blob(t, "db/postgres", data)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n == 1 {
			r.CutAfter(60_000, w, req)
		}
		w.Header().Set("Content-Range", "bytes 60000-99999/100000")
		w.WriteHeader(http.StatusPartialContent)
		w.Write(make([]byte, 40_000))
		return true
	})
	c, _ := newClient(t, Options{})
	_, err := readBlob(repository(t, c, r.Host()+"/db/postgres"), desc)
	if e := wantError[*artifact.IntegrityError](t, err); e.Got == "" {
		t.Errorf("error: %#v", e)
	}
}
