package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// registry serves releases on loopback, read-only: manifests from memory,
// layers from files, as fast as net/http does.
type registry struct {
	host string
	dir  string // of the layers
	wait atomic.Int64
	gate atomic.Pointer[gate] // nil: all are let in

	mu        sync.Mutex
	tags      map[string][]string // by repository, sorted
	manifests map[string]document // by "repository@tag" and digest
	counts    map[string]int      // requests by kind
}

type document struct {
	mediaType string
	data      []byte
}

type object = map[string]any

const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
)

func startRegistry(dir string) (*registry, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &registry{
		host: l.Addr().String(), dir: dir,
		tags: map[string][]string{}, manifests: map[string]document{}, counts: map[string]int{},
	}
	go http.Serve(l, r) // ends with the process
	return r, nil
}

func repository(name string) string { return "schemahero/plugins/" + name }

// publish offers a driver in the index layout, as `push` writes it.
func (r *registry) publish(d driver) error {
	repo := repository(d.name)
	file := fmt.Sprintf("schemahero-%s-%s-%s.tar.gz", d.name, runtime.GOOS, runtime.GOARCH)
	sum, err := r.blob([]byte(hexOf(d.layer.digest) + "  " + file + "\n"))
	if err != nil {
		return err
	}
	empty, err := r.blob([]byte("{}"))
	if err != nil {
		return err
	}
	title := "org.opencontainers.image.title"
	notes := object{"org.opencontainers.image.version": d.version, "org.opencontainers.image.created": "2026-01-01T00:00:00Z"}
	m := r.manifest(repo, typeManifest, object{
		"artifactType": "application/vnd.schemahero.plugin.v1+tar",
		"config":       descriptor("application/vnd.oci.empty.v1+json", empty, nil),
		"layers": []any{
			descriptor("application/gzip", d.layer, object{title: file, "io.schemahero.plugin.executable": d.executable}),
			descriptor("text/plain", sum, object{title: file + ".sha256"}),
		},
		"annotations": notes,
	}, "")
	index := descriptor(typeManifest, m, nil)
	index["artifactType"] = "application/vnd.schemahero.plugin.v1+tar"
	index["platform"] = object{"os": runtime.GOOS, "architecture": runtime.GOARCH}
	r.manifest(repo, typeIndex, object{"manifests": []any{index}, "annotations": notes}, d.version)
	return nil
}

// alias gives a repository further tags, all of which name what tag names.
func (r *registry) alias(name, tag string, more []string) {
	repo := repository(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range more {
		r.manifests[repo+"@"+t] = r.manifests[repo+"@"+tag]
	}
	r.tags[repo] = append(r.tags[repo], more...)
	slices.Sort(r.tags[repo])
}

func descriptor(mediaType string, b blob, notes object) object {
	d := object{"mediaType": mediaType, "digest": b.digest, "size": b.size}
	if notes != nil {
		d["annotations"] = notes
	}
	return d
}

func (r *registry) blob(data []byte) (blob, error) {
	b := blob{sumOf(data), int64(len(data))}
	return b, os.WriteFile(filepath.Join(r.dir, hexOf(b.digest)), data, 0o644)
}

func (r *registry) manifest(repo, mediaType string, m object, tag string) blob {
	m["schemaVersion"], m["mediaType"] = 2, mediaType
	data, _ := json.Marshal(m) // of strings, numbers and maps of them
	b := blob{sumOf(data), int64(len(data))}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.manifests[repo+"@"+b.digest] = document{mediaType, data}
	if tag != "" {
		r.manifests[repo+"@"+tag] = document{mediaType, data}
		r.tags[repo] = append(r.tags[repo], tag)
		slices.Sort(r.tags[repo])
	}
	return b
}

func sumOf(data []byte) string {
	h := sha256.New()
	h.Write(data)
	return digest(h)
}

// requests returns the requests by kind since it was last called.
func (r *registry) requests() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts
	r.counts = map[string]int{}
	return c
}

func (r *registry) count(kind string) {
	r.mu.Lock()
	r.counts[kind]++
	r.mu.Unlock()
	// A registry is somewhere else: some of its answers are made to take time.
	time.Sleep(time.Duration(r.wait.Load()))
}

func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path, ok := strings.CutPrefix(req.URL.Path, "/v2/")
	switch {
	case !ok:
		http.NotFound(w, req)
	case path == "":
		r.count("ping")
	case strings.HasSuffix(path, "/tags/list"):
		r.count("tags")
		r.serveTags(w, req, strings.TrimSuffix(path, "/tags/list"))
	case strings.Contains(path, "/manifests/"):
		r.count("manifests")
		repo, ref, _ := strings.Cut(path, "/manifests/")
		r.mu.Lock()
		d, ok := r.manifests[repo+"@"+ref]
		r.mu.Unlock()
		if !ok {
			http.Error(w, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", d.mediaType)
		w.Header().Set("Docker-Content-Digest", sumOf(d.data))
		w.Header().Set("Content-Length", strconv.Itoa(len(d.data)))
		w.Write(d.data)
	case strings.Contains(path, "/blobs/"):
		r.count("blobs")
		if g := r.gate.Load(); g != nil && !g.admits(w) {
			return
		}
		_, ref, _ := strings.Cut(path, "/blobs/")
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Docker-Content-Digest", ref)
		http.ServeFile(w, req, filepath.Join(r.dir, filepath.Base(hexOf(ref))))
	default:
		http.NotFound(w, req)
	}
}

func (r *registry) serveTags(w http.ResponseWriter, req *http.Request, repo string) {
	r.mu.Lock()
	tags, ok := r.tags[repo]
	r.mu.Unlock()
	if !ok {
		http.Error(w, `{"errors":[{"code":"NAME_UNKNOWN"}]}`, http.StatusNotFound)
		return
	}
	if last := req.FormValue("last"); last != "" {
		at, found := slices.BinarySearch(tags, last)
		if found {
			at++
		}
		tags = tags[at:]
	}
	if n, err := strconv.Atoi(req.FormValue("n")); err == nil && n < len(tags) {
		tags = tags[:n]
		w.Header().Set("Link", fmt.Sprintf(`</v2/%s/tags/list?n=%d&last=%s>; rel="next"`, repo, n, tags[n-1]))
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(object{"name": repo, "tags": tags})
}
