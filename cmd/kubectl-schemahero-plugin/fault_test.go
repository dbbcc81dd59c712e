package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// fault is something that a registry does wrong.
type fault struct {
	kind  string // a number: that status; truncate, corrupt, reset, huge
	match string // part of "METHOD path"
	times int    // how often; -1: always
	to    string // redirect: URL of the other host
}

// match returns the fault for a request and counts it. r.mu is held.
func (r *scriptRegistry) match(req *http.Request) *fault {
	for _, f := range r.faults {
		if f.times != 0 && strings.Contains(req.Method+" "+req.URL.Path, f.match) {
			f.times--
			return f
		}
	}
	return nil
}

// cmdFault: fault REGISTRY KIND MATCH [TIMES] makes requests whose "METHOD
// path" contains MATCH go wrong, always or as often as said. KIND is a status,
// truncate, corrupt, reset, stall, or redirect=HOST:PORT to another registry
// (asked as localhost, so that it is another host). fault REGISTRY none forgets
// all.
func cmdFault(ts *testscript.TestScript, neg bool, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	r.mu.Lock()
	defer r.mu.Unlock()
	if args[1] == "none" {
		r.faults = nil
		return
	}
	f := &fault{kind: args[1], match: args[2], times: -1}
	if other, ok := strings.CutPrefix(f.kind, "redirect="); ok {
		f.kind, f.to = "redirect", "http://localhost"+other[strings.LastIndex(other, ":"):]
	}
	if len(args) > 3 {
		fmt.Sscan(args[3], &f.times)
	}
	r.faults = append(r.faults, f)
}

func (f *fault) serve(w http.ResponseWriter, req *http.Request, next http.Handler) {
	var status int
	if _, err := fmt.Sscan(f.kind, &status); err == nil {
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "0")
		}
		http.Error(w, `{"errors":[{"code":"FAULT","message":"asked for by the script"}]}`, status)
		return
	}
	switch f.kind {
	case "reset":
		panic(http.ErrAbortHandler)
	case "stall":
		<-req.Context().Done()
		return
	case "redirect":
		// Registries send blobs from elsewhere; what authorises at one host must
		// not reach another.
		http.Redirect(w, req, f.to+req.URL.Path, http.StatusTemporaryRedirect)
		return
	}
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, req)
	body := rec.Body.Bytes()
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	switch f.kind {
	case "corrupt":
		body = bytes.Clone(body)
		body[len(body)/2] ^= 0x01
		w.Header().Del("Docker-Content-Digest")
	case "truncate":
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(rec.Code)
		w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(rec.Code)
	w.Write(body)
}

// cmdHostile: hostile REGISTRY KIND publishes version 1.0.0 of schemahero/
// plugins/KIND, whose archive for linux/amd64 is hostile in that way.
func cmdHostile(ts *testscript.TestScript, neg bool, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	kind := args[1]
	p := publisher{ts: ts, url: r.server.URL, auth: r.user, repo: "schemahero/plugins/" + kind}
	file := "schemahero-" + kind + "-linux-amd64"
	body := driver(kind, "1.0.0", "linux/amd64")
	regular := tar.Header{Name: file, Mode: 0o755, Size: int64(len(body)), Typeflag: tar.TypeReg}
	var headers []tar.Header
	switch kind {
	case "traversal":
		evil := regular
		evil.Name = "../../../evil"
		headers = []tar.Header{evil, regular}
	case "absolute":
		evil := regular
		evil.Name = "/tmp/evil-" + kind
		headers = []tar.Header{evil, regular}
	case "link":
		headers = []tar.Header{{Name: file, Linkname: "/bin/sh", Typeflag: tar.TypeSymlink}}
	case "hardlink":
		headers = []tar.Header{{Name: file, Linkname: "/etc/passwd", Typeflag: tar.TypeLink}}
	case "device":
		headers = []tar.Header{{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}, regular}
	case "two":
		other := regular
		other.Name = "schemahero-" + kind
		headers = []tar.Header{regular, other}
	case "nothing":
		other := regular
		other.Name = "README"
		headers = []tar.Header{other}
	case "bomb":
		body = make([]byte, 64<<20)
		regular.Size = int64(len(body))
		headers = []tar.Header{regular}
	default:
		ts.Fatalf("hostile: unknown kind %q", kind)
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	t := tar.NewWriter(z)
	for _, h := range headers {
		t.WriteHeader(&h)
		if h.Typeflag == tar.TypeReg {
			t.Write(body)
		}
	}
	t.Close()
	z.Close()
	layer := p.blob("application/gzip", file+".tar.gz", b.Bytes())
	p.manifest(typeManifest, object{"artifactType": "application/vnd.schemahero.plugin.v1.multi+tar", "config": p.empty(), "layers": []any{layer}}, "1.0.0")
}

// cmdAwait: await REGISTRY MATCH waits for a request whose "METHOD path"
// contains MATCH.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	r.mu.Lock()
	defer r.mu.Unlock()
	for !slices.ContainsFunc(r.log, func(l string) bool { return strings.Contains(l, args[1]) }) {
		r.arrived.Wait()
	}
}

// cmdSecretless: secretless REGISTRY fails where a request to it bore
// credentials.
func cmdSecretless(ts *testscript.TestScript, neg bool, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.log) == 0 {
		ts.Fatalf("nothing was asked of %s", args[0])
	}
	if r.secrets > 0 {
		ts.Fatalf("%d requests to %s bore credentials", r.secrets, args[0])
	}
}
