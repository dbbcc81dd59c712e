// Package serve is an OCI registry in one folder: for demonstrations, tests
// and closed networks. The protocol is go-containerregistry's; this package
// keeps what that forgets when it ends, namely which manifests there were.
package serve

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
)

// maxManifest is the size over which a manifest is refused, in bytes.
const maxManifest = 4 << 20

// Registry is an http.Handler that serves the OCI distribution API (pull,
// push, tags, catalog, referrers) from a folder.
//
//	DIR/blobs/sha256/HEX   blobs, and the bodies of manifests
//	DIR/manifests.jsonl    a journal: every manifest put or deleted, in order
type Registry struct {
	dir     string
	handler http.Handler
	mu      sync.Mutex // serialises writes of manifests
	journal *os.File

	listing sync.Mutex
	lists   map[string][]string // sorted, by path, until a manifest is put or deleted
}

// entry is a line of the journal.
type entry struct {
	Method    string        `json:"method"`
	Path      string        `json:"path"`
	MediaType string        `json:"mediaType,omitempty"`
	Digest    digest.Digest `json:"digest,omitempty"`
}

// Open returns the registry kept in dir, which is made where it is not there.
// Errors: those of the file system, and a journal that names a manifest whose
// body is gone.
func Open(dir string) (*Registry, error) {
	blobs := filepath.Join(dir, "blobs")
	if err := os.MkdirAll(filepath.Join(blobs, "sha256"), 0o755); err != nil {
		return nil, err
	}
	r := &Registry{dir: dir, lists: map[string][]string{}, handler: registry.New(
		registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs)),
		registry.WithReferrersSupport(true),
		registry.Logger(log.New(io.Discard, "", 0)),
	)}
	var err error
	r.journal, err = os.OpenFile(filepath.Join(dir, "manifests.jsonl"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	if err := r.replay(); err != nil {
		r.journal.Close()
		return nil, err
	}
	return r, nil
}

// Close closes the journal. Requests that still run may fail.
func (r *Registry) Close() error { return r.journal.Close() }

// replay brings back the manifests of earlier runs. A last line that a crash
// cut short was never answered, so it is passed over.
func (r *Registry) replay() error {
	lines := bufio.NewReader(r.journal)
	for kept := int64(0); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return r.journal.Truncate(kept)
		}
		if err != nil {
			return err
		}
		kept += int64(len(line))
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("%s: %w", r.journal.Name(), err)
		}
		var body []byte
		if e.Digest != "" {
			if err := e.Digest.Validate(); err != nil {
				return fmt.Errorf("%s: %w", r.journal.Name(), err)
			}
			if body, err = os.ReadFile(r.blob(e.Digest)); err != nil {
				return err
			}
		}
		req, err := http.NewRequest(e.Method, "http://registry"+e.Path, bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("%s: %w", r.journal.Name(), err)
		}
		req.Header.Set("Content-Type", e.MediaType)
		r.handler.ServeHTTP(nobody{}, req)
	}
}

// nobody takes the answers to replayed requests.
type nobody struct{}

func (nobody) Header() http.Header         { return http.Header{} }
func (nobody) Write(p []byte) (int, error) { return len(p), nil }
func (nobody) WriteHeader(int)             {}

func (r *Registry) blob(d digest.Digest) string {
	return filepath.Join(r.dir, "blobs", d.Algorithm().String(), d.Encoded())
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodGet && (req.URL.Path == "/v2/_catalog" || strings.HasSuffix(req.URL.Path, "/tags/list")) {
		r.list(w, req)
		return
	}
	parts := strings.Split(req.URL.Path, "/")
	manifest := len(parts) > 3 && parts[len(parts)-2] == "manifests"
	if !manifest || req.Method != http.MethodPut && req.Method != http.MethodDelete {
		r.handler.ServeHTTP(w, req)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxManifest))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.keep(req, body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	r.handler.ServeHTTP(w, req)
	r.forget()
}

// keep writes to the journal first: what is answered is then also kept, and
// what is refused will be refused again when the journal is read.
func (r *Registry) keep(req *http.Request, body []byte) error {
	e := entry{Method: req.Method, Path: req.URL.Path, MediaType: req.Header.Get("Content-Type")}
	if req.Method == http.MethodPut {
		e.Digest = digest.FromBytes(body)
		if err := os.WriteFile(r.blob(e.Digest), body, 0o644); err != nil {
			return err
		}
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = r.journal.Write(append(line, '\n'))
	return err
}
