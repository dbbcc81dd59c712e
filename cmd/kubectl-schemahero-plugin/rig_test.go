//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// rig is a registry in this process that serves a few releases from memory,
// quickly, and counts how often each layer is fetched. What happens to
// processes of the program around it is the tests' business.
type rig struct {
	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	docs     map[string][]byte   // by request path
	tags     map[string][]string // by driver
	layers   map[string]string   // digest to "NAME VERSION"
	fetched  map[string]int      // by "NAME VERSION"
	programs map[string]string   // SHA-256 of an executable to "NAME VERSION"
	chunk    func(sent int)      // called before each piece of a layer
}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, docs: map[string][]byte{}, tags: map[string][]string{}, layers: map[string]string{}, fetched: map[string]int{}, programs: map[string]string{}}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

func (r *rig) registry() string {
	return strings.TrimPrefix(r.server.URL, "http://") + "/schemahero/plugins"
}

// programSize is what a driver has, in bytes: some pieces on the way, and some
// writes to the disk.
const programSize = 300 << 10

// pieceSize is how many bytes of a layer are sent at a time.
const pieceSize = 32 << 10

// publish offers a driver whose bytes do not compress.
func (r *rig) publish(name, version string) {
	noise := make([]byte, programSize)
	seed := [32]byte{}
	copy(seed[:], name+" "+version)
	rand.NewChaCha8(seed).Read(noise)
	r.publishProgram(name, version, append(driver(name, version, runtime.GOOS+"/"+runtime.GOARCH), noise...))
}

func (r *rig) publishProgram(name, version string, body []byte) {
	file := fmt.Sprintf("schemahero-%s-%s-%s", name, runtime.GOOS, runtime.GOARCH)
	data := archive(file, body)
	repo := "/v2/schemahero/plugins/" + name
	r.mu.Lock()
	defer r.mu.Unlock()
	put := func(path, mediaType string, o object) object {
		o["schemaVersion"], o["mediaType"] = 2, mediaType
		text, err := json.Marshal(o)
		if err != nil {
			r.t.Fatal(err)
		}
		r.docs[repo+"/manifests/"+sum(text)] = text
		r.docs[repo+"/manifests/"+path] = text
		return object{"mediaType": mediaType, "digest": sum(text), "size": len(text)}
	}
	m := put("for-"+version, typeManifest, object{
		"artifactType": "application/vnd.schemahero.plugin.v1+tar",
		"config":       object{"mediaType": "application/vnd.oci.empty.v1+json", "digest": sum([]byte("{}")), "size": 2},
		"layers": []any{object{
			"mediaType": "application/gzip", "digest": sum(data), "size": len(data),
			"annotations": object{"org.opencontainers.image.title": file + ".tar.gz"},
		}},
	})
	m["platform"] = object{"os": runtime.GOOS, "architecture": runtime.GOARCH}
	put(version, typeIndex, object{"manifests": []any{m}})
	r.docs[repo+"/blobs/"+sum(data)] = data
	r.tags[name] = append(r.tags[name], version)
	r.layers[sum(data)] = name + " " + version
	r.programs[sum(body)] = name + " " + version
}

// times returns how often a driver's layer was fetched.
func (r *rig) times(name, version string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fetched[name+" "+version]
}

func (r *rig) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	data, found := r.docs[req.URL.Path]
	tags := r.tags[strings.TrimSuffix(strings.TrimPrefix(req.URL.Path, "/v2/schemahero/plugins/"), "/tags/list")]
	chunk := r.chunk
	layer := r.layers[req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]]
	if layer != "" && strings.Contains(req.URL.Path, "/blobs/") {
		r.fetched[layer]++
	}
	r.mu.Unlock()
	switch {
	case strings.HasSuffix(req.URL.Path, "/tags/list") && tags != nil:
		json.NewEncoder(w).Encode(object{"tags": tags})
	case !found:
		http.NotFound(w, req)
	case strings.Contains(req.URL.Path, "/manifests/"):
		w.Header().Set("Content-Type", typeManifest)
		if bytes.Contains(data, []byte(`"manifests"`)) {
			w.Header().Set("Content-Type", typeIndex)
		}
		w.Write(data)
	default:
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		for sent := 0; sent < len(data); sent += pieceSize {
			if chunk != nil {
				chunk(sent)
			}
			if _, err := w.Write(data[sent:min(len(data), sent+pieceSize)]); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	}
}

// project is a folder with a manifest, and a home.
type project struct {
	r    *rig
	home string // --home
	dir  string
}

func (r *rig) project(home string) project {
	return project{r, home, r.t.TempDir()}
}

// wants writes the manifest: each driver in that version.
func (p project) wants(version string, names ...string) {
	p.r.t.Helper()
	var m strings.Builder
	fmt.Fprintf(&m, "registry = %q\n\n[plugins]\n", p.r.registry())
	for i, n := range names {
		aliases := ""
		if i == 0 {
			aliases = `, aliases = ["` + n + `-alias"]`
		}
		fmt.Fprintf(&m, "%s = { version = %q%s }\n", n, version, aliases)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "schemahero-plugins.toml"), []byte(m.String()), 0o644); err != nil {
		p.r.t.Fatal(err)
	}
}

func (p project) lock() string { return filepath.Join(p.dir, "schemahero-plugins.lock") }

func (p project) installed(name string) string {
	return filepath.Join(p.home, "plugins", "schemahero-"+name)
}

// command is the program, as a process of its own.
func (p project) command(args ...string) *exec.Cmd {
	cmd := exec.Command("plugin", append([]string{"-C", p.dir, "--home", p.home, "--no-progress"}, args...)...)
	cmd.Env = []string{"HOME=" + p.home, "PATH=" + os.Getenv("PATH"), "NO_COLOR=1"}
	return cmd
}

// run runs the program and fails the test where it fails.
func (p project) run(args ...string) string {
	p.r.t.Helper()
	out, err := p.command(args...).CombinedOutput()
	if err != nil {
		p.r.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// whole returns the version of an installed driver, "" where it is missing. It
// fails the test where the file is anything but one published executable, from
// its first byte to its last.
func (p project) whole(plugin, name string) string {
	p.r.t.Helper()
	data, err := os.ReadFile(p.installed(name))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		p.r.t.Error(err)
		return ""
	}
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	is, version, _ := strings.Cut(p.r.programs[sum(data)], " ")
	if is != plugin {
		p.r.t.Errorf("%s: holds %d bytes of no version", p.installed(name), len(data))
	}
	return version
}

// temporary returns what was left half done below home and project.
func (p project) temporary() []string {
	var left []string
	for _, root := range []string{p.home, p.dir} {
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasPrefix(d.Name(), ".") {
				left = append(left, path)
			}
			return nil
		})
	}
	return left
}
