package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/serve"
)

type worldKey struct{}

// world is what one script has started.
type world struct {
	registries map[string]*scriptRegistry
}

func (w *world) close() {
	for _, r := range w.registries {
		r.stop()
	}
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func (w *world) registry(ts *testscript.TestScript, name string) *scriptRegistry {
	r := w.registries[name]
	if r == nil {
		ts.Fatalf("there is no registry %s", name)
	}
	return r
}

// scriptRegistry is a registry in this process, with faults that a script asks
// for.
type scriptRegistry struct {
	*registrytest.Registry
	store *serve.Registry

	mu     sync.Mutex
	faults []*fault
	user   string // "user:password" where a login is asked for

	sent atomic.Int64 // bytes of blobs
}

// cmdRegistry: registry NAME [user:password] starts a registry; $NAME becomes
// its host:port. registry stop NAME stops it.
func cmdRegistry(ts *testscript.TestScript, args []string) {
	w := worldOf(ts)
	if len(args) == 2 && args[0] == "stop" {
		w.registry(ts, args[1]).stop()
		return
	}
	store, err := serve.Open(ts.MkAbs("registry-" + args[0]))
	ts.Check(err)
	r := &scriptRegistry{Registry: registrytest.Over(store), store: store}
	if len(args) > 1 {
		r.user = args[1]
	}
	r.SetFault(r.answer)
	w.registries[args[0]] = r
	ts.Setenv(args[0], r.Host())
}

func (r *scriptRegistry) stop() {
	r.CloseClientConnections()
	r.Close()
	r.store.Close()
}

// answer answers every request, with a fault or without.
func (r *scriptRegistry) answer(_ int, w http.ResponseWriter, req *http.Request) bool {
	r.mu.Lock()
	f := r.match(req)
	r.mu.Unlock()
	if r.user != "" && req.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(r.user)) {
		w.Header().Set("WWW-Authenticate", `Basic realm="script"`)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
		return true
	}
	if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/") {
		w = counted{w, &r.sent}
	}
	if f == nil {
		r.store.ServeHTTP(w, req)
	} else {
		f.serve(w, req, r.store)
	}
	return true
}

// cmdRequests: requests NAME KIND=COUNT... holds the requests since the last
// such line against what is expected: kinds are tags, manifests, blobs, other.
// Kinds that are not named must be 0; /v2/ itself does not count. requests NAME
// ignore only begins again.
func cmdRequests(ts *testscript.TestScript, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	log := r.Take()
	if len(args) == 2 && args[1] == "ignore" {
		return
	}
	got := map[string]int{}
	for _, l := range log {
		path, _, _ := strings.Cut(l.URI, "?")
		switch method := l.Method; {
		case path == "/v2/":
		case strings.HasSuffix(path, "/tags/list"):
			got["tags"]++
		case strings.Contains(path, "/manifests/") && method == "HEAD":
			got["heads"]++
		case strings.Contains(path, "/manifests/") && method == "GET":
			got["manifests"]++
		case strings.Contains(path, "/blobs/") && method == "GET":
			got["blobs"]++
		default:
			got["other"]++
		}
	}
	want := map[string]int{}
	for _, a := range args[1:] {
		kind, n, _ := strings.Cut(a, "=")
		count := 0
		fmt.Sscan(n, &count)
		want[kind] = count
	}
	for _, kind := range []string{"tags", "heads", "manifests", "blobs", "other"} {
		if w := want[kind]; got[kind] != w {
			ts.Fatalf("%d requests for %s, want %d:\n%v", got[kind], kind, w, log)
		}
	}
}

// cmdReplace: replace FILE OLD NEW replaces text in a file; OLD must be there.
func cmdReplace(ts *testscript.TestScript, args []string) {
	data := ts.ReadFile(args[0])
	if !strings.Contains(data, args[1]) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(data, args[1], args[2], 1)), 0o644))
}

// cmdMode: mode OCTAL FILE changes a file's mode.
func cmdMode(ts *testscript.TestScript, args []string) {
	var mode os.FileMode
	fmt.Sscanf(args[0], "%o", &mode)
	ts.Check(os.Chmod(ts.MkAbs(args[1]), mode))
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(s[:])
}
