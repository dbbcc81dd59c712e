package serve

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

// ask sends a request, with headers as "Name: value", and returns its answer.
func ask(t *testing.T, server *httptest.Server, method, at, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	if strings.HasPrefix(at, "/") {
		at = server.URL + at
	}
	req, err := http.NewRequest(method, at, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(data)
}

func open(t *testing.T) (*Registry, *httptest.Server, string) {
	t.Helper()
	dir := t.TempDir()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r)
	t.Cleanup(func() {
		server.Close()
		r.Close()
	})
	return r, server, dir
}

// The ways in which oras, containerd, regclient, skopeo and docker send a blob.
func TestPushBlob(t *testing.T) {
	registry, server, dir := open(t)
	const uploads = "/v2/a/b/blobs/uploads/"
	want := func(what string, resp *http.Response, status int) string {
		t.Helper()
		if resp.StatusCode != status {
			t.Fatalf("%s: %s", what, resp.Status)
		}
		return resp.Header.Get("Location")
	}
	begin := func() string {
		t.Helper()
		resp, _ := ask(t, server, "POST", uploads, "")
		return want("POST", resp, http.StatusAccepted)
	}
	there := func(data string) {
		t.Helper()
		at := "/v2/a/b/blobs/" + digest.FromString(data).String()
		if resp, got := ask(t, server, "GET", at, ""); resp.StatusCode != 200 || got != data {
			t.Errorf("%q: %s, %q", data, resp.Status, got)
		}
	}
	sum := func(data string) string { return "?digest=" + digest.FromString(data).String() }

	resp, _ := ask(t, server, "PUT", begin()+sum("post then put"), "post then put")
	if at := want("PUT", resp, http.StatusCreated); at != "/v2/a/b/blobs/"+digest.FromString("post then put").String() {
		t.Errorf("it is at %q", at)
	}
	there("post then put")

	resp, _ = ask(t, server, "POST", uploads+sum("one post"), "one post")
	want("one POST", resp, http.StatusCreated)
	there("one post")

	resp, _ = ask(t, server, "PUT", begin()+"?digest="+digest.SHA512.FromString("long").String(), "long")
	want("SHA-512", resp, http.StatusCreated)

	at := begin()
	for i, chunk := range []string{"first ", "second ", "third"} {
		from := []int{0, 6, 13}[i]
		resp, _ = ask(t, server, "PATCH", at, chunk, fmt.Sprintf("Content-Range: %d-%d", from, from+len(chunk)-1))
		at = want("PATCH", resp, http.StatusAccepted)
		if got, want := resp.Header.Get("Range"), fmt.Sprintf("0-%d", from+len(chunk)-1); got != want {
			t.Errorf("chunk %d: Range %s, want %s", i, got, want)
		}
	}
	for _, odd := range []string{"0-4", "19-23", "18-99", "x-y"} {
		resp, _ = ask(t, server, "PATCH", at, "again", "Content-Range: "+odd)
		if want("a chunk out of order", resp, http.StatusRequestedRangeNotSatisfiable); resp.Header.Get("Range") != "0-17" {
			t.Errorf("%s: Range %q", odd, resp.Header.Get("Range"))
		}
	}
	resp, _ = ask(t, server, "GET", at, "")
	if want("how far", resp, http.StatusNoContent); resp.Header.Get("Range") != "0-17" {
		t.Errorf("Range %q", resp.Header.Get("Range"))
	}
	resp, _ = ask(t, server, "PUT", at+sum("first second third."), ".", "Content-Range: 18-18")
	want("the last chunk", resp, http.StatusCreated)
	there("first second third.")

	at = begin()
	resp, _ = ask(t, server, "PATCH", at, "a stream")
	want("a stream", resp, http.StatusAccepted)
	resp, _ = ask(t, server, "PUT", at+sum("a stream"), "")
	want("its end", resp, http.StatusCreated)
	there("a stream")

	resp, _ = ask(t, server, "PUT", begin()+sum(""), "")
	want("nothing at all", resp, http.StatusCreated)
	there("")
	if resp, _ := ask(t, server, "HEAD", "/v2/a/b/blobs/"+digest.FromString("").String(), ""); resp.ContentLength != 0 {
		t.Errorf("an empty blob has length %d", resp.ContentLength)
	}

	resp, _ = ask(t, server, "POST", "/v2/c/blobs/uploads/?from=a/b&mount="+digest.FromString("one post").String(), "")
	want("mount", resp, http.StatusCreated)
	resp, _ = ask(t, server, "POST", "/v2/c/blobs/uploads/?from=a/b&mount="+digest.FromString("none").String(), "")
	want("mount of nothing", resp, http.StatusAccepted)

	at = begin()
	resp, _ = ask(t, server, "PUT", at+sum("wrong"), "other")
	want("other content", resp, http.StatusBadRequest)
	resp, _ = ask(t, server, "PUT", at+sum("other"), "other")
	want("after that", resp, http.StatusNotFound)
	for _, odd := range []string{"", "?digest=", "?digest=sha256:x", "?digest=md5:d41d8cd98f00b204e9800998ecf8427e"} {
		resp, _ = ask(t, server, "PUT", begin()+odd, "x")
		want("PUT "+odd, resp, http.StatusBadRequest)
	}
	at = begin()
	resp, _ = ask(t, server, "DELETE", at, "")
	want("cancel", resp, http.StatusNoContent)
	resp, _ = ask(t, server, "POST", uploads+sum("wrong"), "other")
	want("one POST of other content", resp, http.StatusBadRequest)
	resp, _ = ask(t, server, "POST", "/v2/../b/blobs/uploads/", "")
	if resp.StatusCode < 300 {
		t.Error("a name that climbs: ", resp.Status)
	}
	if resp, _ := ask(t, server, "GET", "/v2/a/b/blobs/"+digest.FromString("wrong").String(), ""); resp.StatusCode != 404 {
		t.Error("what was refused: ", resp.Status)
	}
	begin()
	none := func(when string) {
		t.Helper()
		if left, err := os.ReadDir(filepath.Join(dir, "uploads")); err != nil || len(left) > 0 {
			t.Errorf("uploads that nobody goes on with, %s: %v, %v", when, left, err)
		}
	}
	registry.Close()
	none("at the end")
	if err := os.WriteFile(filepath.Join(dir, "uploads", "CUT"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir) // as after a crash
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	none("after a crash")
}

// A manifest is in the folder when it has been accepted, and not before.
func TestPushManifest(t *testing.T) {
	_, server, dir := open(t)
	const oci = "Content-Type: application/vnd.oci.image.manifest.v1+json"
	d := digest.FromString(manifest).String()
	for name, c := range map[string]struct {
		at, body, mediaType string
		status              int
	}{
		"no JSON":              {"1", "<html>", oci, 400},
		"no manifest":          {"1", `{"mediaType":"application/json"}`, "Content-Type: application/json", 400},
		"no digest in it":      {"1", `{"config":{"digest":"sha256:../x"},"layers":[]}`, oci, 400},
		"sent as an index":     {"1", manifest, "Content-Type: application/vnd.oci.image.index.v1+json", 400},
		"another digest":       {digest.FromString("x").String(), manifest, oci, 400},
		"no digest":            {"sha256:x", manifest, oci, 400},
		"no tag":               {"-x", manifest, oci, 400},
		"lists what is absent": {"1", `{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + d + `","size":1}]}`, "Content-Type: application/vnd.oci.image.index.v1+json", 404},
		"too large":            {"1", strings.Repeat(" ", 5<<20), oci, 413},
	} {
		if resp, body := ask(t, server, "PUT", "/v2/a/manifests/"+c.at, c.body, c.mediaType); resp.StatusCode != c.status || !strings.Contains(body, `{"errors":[{"code":`) {
			t.Errorf("%s: %s %s", name, resp.Status, body)
		}
	}
	journal, err := os.ReadFile(filepath.Join(dir, "manifests.jsonl"))
	blobs, _ := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	if err != nil || len(journal)+len(blobs) > 0 {
		t.Errorf("refused, and there are %q and %v, %v", journal, blobs, err)
	}

	resp, _ := ask(t, server, "PUT", "/v2/a/manifests/1", manifest, oci+"; charset=utf-8")
	if resp.StatusCode != 201 || resp.Header.Get("Location") != "/v2/a/manifests/"+d || resp.Header.Get("Docker-Content-Digest") != d {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	about := strings.Replace(manifest, `"layers"`, `"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"`+d+`","size":1},"artifactType":"application/x","annotations":{"a":"<b>"},"layers"`, 1)
	resp, _ = ask(t, server, "PUT", "/v2/a/manifests/"+digest.FromString(about).String(), about, oci)
	if resp.StatusCode != 201 || resp.Header.Get("OCI-Subject") != d {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	for query, want := range map[string]string{"": `"artifactType":"application/x"`, "?artifactType=application/x": digest.FromString(about).String(), "?artifactType=other": `"manifests":[]`} {
		resp, body := ask(t, server, "GET", "/v2/a/referrers/"+d+query, "")
		if !strings.Contains(body, want) || (query != "") != (resp.Header.Get("OCI-Filters-Applied") == "artifactType") {
			t.Errorf("%s: %s %v", query, body, resp.Header)
		}
	}
	if resp, _ := ask(t, server, "GET", "/v2/a/referrers/foo", ""); resp.StatusCode != 400 {
		t.Error("referrers of no digest: ", resp.Status)
	}
	if resp, _ := ask(t, server, "DELETE", "/v2/a/manifests/"+digest.FromString(about).String(), ""); resp.StatusCode != 202 {
		t.Error(resp.Status)
	}
	if _, body := ask(t, server, "GET", "/v2/a/referrers/"+d, ""); !strings.Contains(body, `"manifests":[]`) {
		t.Error("after it was deleted: ", body)
	}
	for _, c := range [][3]string{{"DELETE", "/v2/a/manifests/none", "404"}, {"DELETE", "/v2/a/blobs/" + d, "405"}, {"PATCH", "/v2/a/manifests/1", "405"}, {"POST", "/v2/A/blobs/uploads/", "400"}, {"PUT", "/v2/x", "400"}} {
		if resp, _ := ask(t, server, c[0], c[1], ""); !strings.HasPrefix(resp.Status, c[2]) {
			t.Errorf("%v: %s", c, resp.Status)
		}
	}
}

// A client that asks for a list and reads nothing of it holds nobody up, and is
// cut off.
func TestSlowReader(t *testing.T) {
	r, server, _ := open(t)
	k, err := newKept("", digest.FromString(manifest), []byte(manifest))
	if err == nil {
		err = r.folder.keep([]byte(manifest), k.desc.Digest)
	}
	for i := 0; i < 80_000 && err == nil; i++ {
		tag := fmt.Sprintf("%0120d", i)
		err = r.folder.note(entry{http.MethodPut, "/v2/a/manifests/" + tag, k.desc.MediaType, k.desc.Digest}, k)
	}
	if err != nil {
		t.Fatal(err)
	}
	slow, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprint(slow, "GET /v2/a/tags/list HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := bufio.NewReaderSize(slow, 16).Peek(1); err != nil { // the answer has begun
		t.Fatal(err)
	}
	server.Client().Timeout = 20 * time.Second
	if resp, body := ask(t, server, "GET", "/v2/a/tags/list?n=1", ""); resp.StatusCode != 200 || !strings.Contains(body, `"tags":["0`) {
		t.Errorf("another list: %s", resp.Status)
	}
	if resp, _ := ask(t, server, "PUT", "/v2/a/manifests/another", manifest, "Content-Type: application/vnd.oci.image.manifest.v1+json"); resp.StatusCode != 201 {
		t.Errorf("a manifest: %s", resp.Status)
	}

	done := make(chan error)
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w = unhurried(w, req, 50*time.Millisecond)
		for {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
				done <- err
				return
			}
		}
	}))
	defer cut.Close()
	idle, err := net.Dial("tcp", cut.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	fmt.Fprint(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("who reads nothing ends with %v", err)
	}
}
