package serve

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// upload is a blob while it is sent, by one request or many.
type upload struct {
	mu   sync.Mutex
	file *os.File
	size int64
}

// write answers what changes the folder (distribution-spec, "Pushing Blobs",
// "Pushing Manifests").
func (f *folder) write(w http.ResponseWriter, req *http.Request, path string) {
	name, kind, reference := split(path)
	if artifact.CheckRepository("host/"+name) != nil || kind == "" {
		fail(w, http.StatusBadRequest, "NAME_INVALID", "not a repository's name")
		return
	}
	id, uploading := strings.CutPrefix(reference, "uploads/")
	uploading = kind == "blobs" && (uploading || reference == "uploads")
	switch {
	case uploading && id == "" && req.Method == http.MethodPost, reference == "uploads" && req.Method == http.MethodPost:
		f.begin(w, req, name)
	case uploading && req.Method == http.MethodPatch:
		f.chunk(w, req, name, id)
	case uploading && req.Method == http.MethodPut:
		f.finish(w, req, name, id)
	case uploading && req.Method == http.MethodDelete:
		f.cancel(w, id)
	case kind == "manifests" && req.Method == http.MethodPut:
		f.putManifest(w, req, name, reference)
	case kind == "manifests" && req.Method == http.MethodDelete:
		f.deleteManifest(w, name, reference)
	default:
		fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry does not support that")
	}
}

// begin opens an upload, or ends one that needs no more: a blob that is there
// already, or that comes with this very request.
func (f *folder) begin(w http.ResponseWriter, req *http.Request, name string) {
	q := req.URL.Query()
	if d := digest.Digest(q.Get("mount")); artifact.IsContentDigest(d) && exists(f.blobFile(d)) {
		blobThere(w, name, d)
		return
	}
	id := rand.Text()
	file, err := os.OpenFile(f.uploading(id), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		failed(w, err, "BLOB_UPLOAD_INVALID")
		return
	}
	u := &upload{file: file}
	f.mu.Lock()
	f.uploads[id] = u
	f.mu.Unlock()
	if q.Has("digest") {
		f.finish(w, req, name, id)
		f.drop(u, id) // its client does not know its name
		return
	}
	w.Header().Set("Docker-Upload-Uuid", id)
	uploadThere(w, http.StatusAccepted, name, id, 0)
}

// upload returns an upload that is under way, locked for its caller; nil if there is
// none, which is answered.
func (f *folder) upload(w http.ResponseWriter, id string) *upload {
	f.mu.RLock()
	u := f.uploads[id]
	f.mu.RUnlock()
	if u == nil {
		fail(w, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "no such upload")
		return nil
	}
	u.mu.Lock()
	return u
}

// drop ends an upload.
func (f *folder) drop(u *upload, id string) {
	f.mu.Lock()
	delete(f.uploads, id)
	f.mu.Unlock()
	u.file.Close()
	disk.Discard(f.uploading(id)) // it is gone if it has become a blob
}

// take appends what a request brings. False: it was refused, and answered.
func (u *upload) take(w http.ResponseWriter, req *http.Request, name, id string) bool {
	if at := req.Header.Get("Content-Range"); at != "" {
		first, last, _ := strings.Cut(strings.TrimPrefix(at, "bytes "), "-")
		from, err := strconv.ParseInt(first, 10, 64)
		to, err2 := strconv.ParseInt(strings.Split(last, "/")[0], 10, 64)
		if err != nil || err2 != nil || from != u.size || req.ContentLength >= 0 && to-from+1 != req.ContentLength {
			uploadThere(w, http.StatusRequestedRangeNotSatisfiable, name, id, u.size)
			return false
		}
	}
	n, err := io.Copy(io.NewOffsetWriter(u.file, u.size), req.Body)
	u.size += n
	if err != nil {
		fail(w, http.StatusBadRequest, "BLOB_UPLOAD_INVALID", err.Error())
		return false
	}
	return true
}

func (f *folder) chunk(w http.ResponseWriter, req *http.Request, name, id string) {
	u := f.upload(w, id)
	if u == nil {
		return
	}
	defer u.mu.Unlock()
	if u.take(w, req, name, id) {
		uploadThere(w, http.StatusAccepted, name, id, u.size)
	}
}

// finish makes an upload a blob.
func (f *folder) finish(w http.ResponseWriter, req *http.Request, name, id string) {
	u := f.upload(w, id)
	if u == nil {
		return
	}
	defer u.mu.Unlock()
	d := digest.Digest(req.URL.Query().Get("digest"))
	if !artifact.IsContentDigest(d) {
		fail(w, http.StatusBadRequest, "DIGEST_INVALID", "the digest is missing, or neither a SHA-256 nor a SHA-512")
		return
	}
	if !u.take(w, req, name, id) {
		return
	}
	defer f.drop(u, id)
	got, err := d.Algorithm().FromReader(io.NewSectionReader(u.file, 0, u.size))
	switch {
	case err != nil:
		failed(w, err, "BLOB_UPLOAD_INVALID")
		return
	case got != d:
		fail(w, http.StatusBadRequest, "DIGEST_INVALID", fmt.Sprintf("what came is %s", got))
		return
	}
	u.file.Close() // Windows renames no open file
	if err := f.place(f.uploading(id), d); err != nil {
		failed(w, err, "BLOB_UPLOAD_INVALID")
		return
	}
	blobThere(w, name, d)
}

// place makes a written file a blob, whole or not at all.
func (f *folder) place(file string, d digest.Digest) error {
	if err := os.MkdirAll(filepath.Dir(f.blobFile(d)), 0o755); err != nil {
		return err
	}
	return disk.Disk{}.Rename(file, f.blobFile(d))
}

func (f *folder) cancel(w http.ResponseWriter, id string) {
	if u := f.upload(w, id); u != nil {
		defer u.mu.Unlock()
		f.drop(u, id)
		w.WriteHeader(http.StatusNoContent)
	}
}

// uploadState says how far an upload has come.
func (f *folder) uploadState(w http.ResponseWriter, name, id string) {
	if u := f.upload(w, id); u != nil {
		defer u.mu.Unlock()
		uploadThere(w, http.StatusNoContent, name, id, u.size)
	}
}

func uploadThere(w http.ResponseWriter, status int, name, id string, size int64) {
	w.Header().Set("Location", "/v2/"+name+"/blobs/uploads/"+id)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(size-1, 0)))
	w.WriteHeader(status)
}

func blobThere(w http.ResponseWriter, name string, d digest.Digest) {
	w.Header().Set("Location", "/v2/"+name+"/blobs/"+d.String())
	w.Header().Set("Docker-Content-Digest", d.String())
	w.WriteHeader(http.StatusCreated)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// putManifest keeps a manifest. What is refused leaves nothing behind, and what is
// answered is in the journal.
func (f *folder) putManifest(w http.ResponseWriter, req *http.Request, name, reference string) {
	data, err := io.ReadAll(http.MaxBytesReader(w, req.Body, artifact.MaxManifest))
	if errors.As(err, new(*http.MaxBytesError)) {
		fail(w, http.StatusRequestEntityTooLarge, "SIZE_INVALID", fmt.Sprintf("a manifest has at most %d bytes", artifact.MaxManifest))
		return
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	d := digest.FromBytes(data)
	if want := digest.Digest(reference); strings.Contains(reference, ":") {
		if !artifact.IsContentDigest(want) || want.Algorithm().FromBytes(data) != want {
			fail(w, http.StatusBadRequest, "DIGEST_INVALID", fmt.Sprintf("what came is %s", d))
			return
		}
		d = want
	} else if !artifact.IsTag(reference) {
		fail(w, http.StatusBadRequest, "MANIFEST_INVALID", "not a tag")
		return
	}
	mediaType, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	k, err := newKept(mediaType, d, data)
	if err != nil {
		fail(w, http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	for _, child := range k.children {
		if _, err := f.resolve(name, child.String()); err != nil {
			fail(w, http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", fmt.Sprintf("%s, which it lists, is not here", child))
			return
		}
	}
	if err = f.keep(data, d); err == nil {
		err = f.note(entry{http.MethodPut, "/v2/" + name + "/manifests/" + reference, k.desc.MediaType, d}, k)
	}
	if err != nil {
		failed(w, err, "MANIFEST_INVALID")
		return
	}
	w.Header().Set("Location", "/v2/"+name+"/manifests/"+d.String())
	w.Header().Set("Docker-Content-Digest", d.String())
	if k.subject != "" {
		w.Header().Set("OCI-Subject", k.subject.String())
	}
	w.WriteHeader(http.StatusCreated)
}

func (f *folder) deleteManifest(w http.ResponseWriter, name, reference string) {
	_, err := f.resolve(name, reference)
	if err == nil {
		err = f.note(entry{Method: http.MethodDelete, Path: "/v2/" + name + "/manifests/" + reference}, nil)
	}
	if err != nil {
		failed(w, err, "MANIFEST_UNKNOWN")
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// keep writes a manifest's body.
func (f *folder) keep(data []byte, d digest.Digest) error {
	if old, err := os.ReadFile(f.blobFile(d)); err == nil && bytes.Equal(old, data) {
		return nil
	}
	temp := f.uploading(rand.Text())
	if err := os.WriteFile(temp, data, 0o644); err != nil {
		return err
	}
	return f.place(temp, d)
}

// note writes a line to the journal, and does what it says.
func (f *folder) note(e entry, k *kept) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.journal.Write(append(line, '\n')); err != nil {
		return err
	}
	f.apply(e, k)
	return nil
}
