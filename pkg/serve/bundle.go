package serve

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Bundle serves an OCI image layout as a registry that cannot be written to. A
// repository HOST/PATH of the layout is there as PATH, where a mirror would have
// it, and as HOST/PATH.
func Bundle(s registry.Source) http.Handler { return bundle{s} }

type bundle struct{ source registry.Source }

// ServeHTTP implements http.Handler (distribution-spec v1.1, pull).
func (b bundle) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry is a bundle: it cannot be written to")
		return
	}
	path, ok := strings.CutPrefix(req.URL.Path, "/v2/")
	switch {
	case req.URL.Path == "/v2" || ok && path == "":
		answer(w, "application/json", struct{}{})
	case path == "_catalog":
		b.catalog(w, req)
	case ok:
		b.repository(w, req, path)
	default:
		fail(w, http.StatusNotFound, "NAME_UNKNOWN", "there is nothing here but /v2/")
	}
}

// repository answers NAME/KIND/REFERENCE.
func (b bundle) repository(w http.ResponseWriter, req *http.Request, path string) {
	rest, reference, _ := cutLast(path)
	name, kind, ok := cutLast(rest)
	repos := b.named(name)
	switch {
	case !ok || len(repos) == 0:
		fail(w, http.StatusNotFound, "NAME_UNKNOWN", "the bundle has no such repository")
	case kind == "tags" && reference == "list":
		b.tags(w, req, name, repos)
	case kind == "manifests":
		b.manifest(w, req, repos, reference)
	case kind == "blobs":
		b.blob(w, req, digest.Digest(reference))
	case kind == "referrers":
		b.referrers(w, req, repos, digest.Digest(reference))
	default:
		fail(w, http.StatusNotFound, "UNSUPPORTED", "this registry does not know "+kind)
	}
}

func cutLast(s string) (before, after string, ok bool) {
	at := strings.LastIndexByte(s, '/')
	if at < 0 {
		return "", s, false
	}
	return s[:at], s[at+1:], true
}

// served is the name under which a repository is served: its path without the
// host.
func served(repository string) string {
	_, path, _ := strings.Cut(strings.TrimPrefix(repository, artifact.LayoutScheme), "/")
	return path
}

// named returns the repositories that a name in a URL means. Two hosts can have
// one path.
func (b bundle) named(name string) (out []registry.Repository) {
	for _, r := range b.source.Repositories() {
		if r == name || served(r) == name {
			out = append(out, b.source.Repository(r))
		}
	}
	return out
}

func (b bundle) catalog(w http.ResponseWriter, req *http.Request) {
	var names []string
	for _, r := range b.source.Repositories() {
		names = append(names, served(r))
	}
	slices.Sort(names)
	names = page(w, req, slices.Compact(names))
	answer(w, "application/json", map[string]any{"repositories": names})
}

func (b bundle) tags(w http.ResponseWriter, req *http.Request, name string, repos []registry.Repository) {
	var tags []string
	for _, r := range repos {
		err := r.Tags(req.Context(), func(page []string) error { tags = append(tags, page...); return nil })
		if err != nil && !errors.Is(err, artifact.ErrNotFound) {
			broken(w, err)
			return
		}
	}
	slices.Sort(tags)
	tags = page(w, req, slices.Compact(tags))
	answer(w, "application/json", map[string]any{"name": name, "tags": tags})
}

func (b bundle) manifest(w http.ResponseWriter, req *http.Request, repos []registry.Repository, reference string) {
	var err error
	for _, r := range repos {
		var desc ocispec.Descriptor
		var data []byte
		if desc, data, err = r.Manifest(req.Context(), reference); err == nil {
			w.Header().Set("Docker-Content-Digest", desc.Digest.String())
			w.Header().Set("Content-Type", desc.MediaType)
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			_, _ = w.Write(data) // net/http drops it for HEAD
			return
		}
		if !errors.Is(err, artifact.ErrNotFound) {
			break
		}
	}
	if errors.Is(err, artifact.ErrNotFound) {
		fail(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "the bundle has no such manifest")
		return
	}
	broken(w, err)
}

func (b bundle) referrers(w http.ResponseWriter, req *http.Request, repos []registry.Repository, subject digest.Digest) {
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	index.SchemaVersion = 2
	filter := req.URL.Query().Get("artifactType")
	for _, r := range repos {
		list, err := r.Referrers(req.Context(), subject)
		if err != nil && !errors.As(err, new(*registry.LimitError)) {
			broken(w, err)
			return
		}
		for _, d := range list {
			if filter == "" || d.ArtifactType == filter {
				index.Manifests = append(index.Manifests, d)
			}
		}
	}
	if filter != "" {
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	answer(w, ocispec.MediaTypeImageIndex, index)
}

func answer(w http.ResponseWriter, mediaType string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		broken(w, err)
		return
	}
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

func broken(w http.ResponseWriter, err error) {
	fail(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
}
