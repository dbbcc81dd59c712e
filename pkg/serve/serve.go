// Package serve is an OCI registry over one folder, or over an image layout: for
// demonstrations, tests and closed networks. It speaks the distribution
// specification v1.1 (pull, push, tags, catalog, referrers) without login or TLS.
package serve

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// store is what a Registry serves. Errors for what is not there match
// artifact.ErrNotFound. What it returns is the caller's to read, not to change.
type store interface {
	// repositories returns the names of the repositories, sorted.
	repositories() []string
	// tags returns a repository's tags, sorted.
	tags(repository string) ([]string, error)
	// manifest returns what a tag or digest names.
	manifest(repository, reference string) (ocispec.Descriptor, []byte, error)
	// referrers returns what refers to a digest.
	referrers(repository string, subject digest.Digest) ([]ocispec.Descriptor, error)
	// blob opens a blob and returns its size in bytes.
	blob(repository string, d digest.Digest) (io.ReadSeekCloser, int64, error)
}

// Registry is an http.Handler that serves a store.
type Registry struct {
	store  store
	folder *folder // the store, if it can be written to
	idle   time.Duration
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w = unhurried(w, req, r.idle)
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	path, ok := strings.CutPrefix(req.URL.Path, "/v2/")
	read := req.Method == http.MethodGet || req.Method == http.MethodHead
	switch {
	case req.URL.Path == "/v2" || ok && path == "":
		answer(w, "application/json", struct{}{})
	case ok && path == "_catalog" && read:
		names := r.store.repositories()
		answer(w, "application/json", map[string]any{"repositories": page(w, req, names)})
	case !ok:
		fail(w, http.StatusNotFound, "NAME_UNKNOWN", "there is nothing here but /v2/")
	case read:
		r.read(w, req, path)
	case r.folder == nil:
		fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry is a bundle: it cannot be written to")
	default:
		r.folder.write(w, req, path)
	}
}

// Close closes what a registry over a folder keeps open. Requests that still run
// may fail.
func (r *Registry) Close() error {
	if r.folder == nil {
		return nil
	}
	return r.folder.close()
}

// split cuts NAME/KIND/REFERENCE, in which REFERENCE is one segment, or for uploads
// two.
func split(path string) (name, kind, reference string) {
	parts := strings.Split(path, "/")
	for _, from := range []int{len(parts) - 3, len(parts) - 2} {
		if from < 1 {
			continue
		}
		kind, reference = parts[from], strings.Join(parts[from+1:], "/")
		if uploads := strings.HasPrefix(reference, "uploads/"); slices.Contains([]string{"manifests", "blobs", "tags", "referrers"}, kind) &&
			(uploads && kind == "blobs" || !strings.Contains(reference, "/")) {
			return strings.Join(parts[:from], "/"), kind, reference
		}
	}
	return path, "", ""
}

// read answers a GET or HEAD.
func (r *Registry) read(w http.ResponseWriter, req *http.Request, path string) {
	name, kind, reference := split(path)
	d := digest.Digest(reference)
	switch upload, uploading := strings.CutPrefix(reference, "uploads/"); {
	case kind == "blobs" && uploading && r.folder != nil:
		r.folder.uploadState(w, name, upload)
	case (kind == "blobs" || kind == "referrers" || kind == "manifests" && strings.Contains(reference, ":")) && !artifact.IsContentDigest(d):
		fail(w, http.StatusBadRequest, "DIGEST_INVALID", "neither a SHA-256 nor a SHA-512 digest")
	case kind == "tags" && reference == "list":
		tags, err := r.store.tags(name)
		if err != nil {
			failed(w, err, "NAME_UNKNOWN")
			return
		}
		answer(w, "application/json", map[string]any{"name": name, "tags": page(w, req, tags)})
	case kind == "manifests":
		desc, data, err := r.store.manifest(name, reference)
		if err != nil {
			code := "MANIFEST_UNKNOWN"
			if _, err := r.store.tags(name); errors.Is(err, artifact.ErrNotFound) {
				code = "NAME_UNKNOWN"
			}
			failed(w, err, code)
			return
		}
		w.Header().Set("Docker-Content-Digest", desc.Digest.String())
		send(w, desc.MediaType, data)
	case kind == "blobs":
		r.blob(w, req, name, d)
	case kind == "referrers":
		r.referrers(w, req, name, d)
	default:
		fail(w, http.StatusNotFound, "NAME_UNKNOWN", "no such path")
	}
}

func (r *Registry) blob(w http.ResponseWriter, req *http.Request, name string, d digest.Digest) {
	content, _, err := r.store.blob(name, d)
	if err != nil {
		failed(w, err, "BLOB_UNKNOWN")
		return
	}
	defer content.Close()
	w.Header().Set("Docker-Content-Digest", d.String())
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Etag", `"`+d.String()+`"`)
	http.ServeContent(w, req, "", time.Time{}, content) // ranges, and their refusal
}

func (r *Registry) referrers(w http.ResponseWriter, req *http.Request, name string, subject digest.Digest) {
	list, err := r.store.referrers(name, subject)
	if err != nil && !errors.Is(err, artifact.ErrNotFound) {
		failed(w, err, "NAME_UNKNOWN")
		return
	}
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	index.SchemaVersion = 2
	filter := req.URL.Query().Get("artifactType")
	for _, d := range list {
		if filter == "" || d.ArtifactType == filter {
			index.Manifests = append(index.Manifests, d)
		}
	}
	if filter != "" {
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	answer(w, ocispec.MediaTypeImageIndex, index)
}

// page cuts a sorted list as ?n= and ?last= ask, and links to what follows.
func page(w http.ResponseWriter, req *http.Request, list []string) []string {
	if list == nil {
		list = []string{}
	}
	q := req.URL.Query()
	if last := q.Get("last"); last != "" {
		at, found := slices.BinarySearch(list, last)
		if found {
			at++
		}
		list = list[at:]
	}
	n, err := strconv.Atoi(q.Get("n"))
	if err != nil || n < 0 || n >= len(list) {
		return list
	}
	if n > 0 {
		next := *req.URL
		next.Scheme, next.Host = "", ""
		next.RawQuery = "n=" + strconv.Itoa(n) + "&last=" + list[n-1] // no name has what a query escapes
		w.Header().Set("Link", "<"+next.String()+`>; rel="next"`)
	}
	return list[:n]
}

func answer(w http.ResponseWriter, mediaType string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		failed(w, err, "UNKNOWN")
		return
	}
	send(w, mediaType, data)
}

// send answers with data; net/http drops it for HEAD.
func send(w http.ResponseWriter, mediaType string, data []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data)
}

// fail answers as the specification has it ("Error Codes").
func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	data, _ := json.Marshal(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
	_, _ = w.Write(data)
}

// failed answers for an error; code is what it means if something is not
// there.
func failed(w http.ResponseWriter, err error, code string) {
	if errors.Is(err, artifact.ErrNotFound) {
		fail(w, http.StatusNotFound, code, "not found")
		return
	}
	fail(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
}
