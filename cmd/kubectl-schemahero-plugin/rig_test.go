//go:build unix

package main

import (
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
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// rig is a registry of a few releases. What happens to processes of the program
// around it is the tests' business.
type rig struct {
	*registrytest.Registry
	t testing.TB

	mu       sync.Mutex
	layers   map[string]string // "NAME VERSION" to the path of its layer
	programs map[string]string // SHA-256 of an executable to "NAME VERSION"
}

func newRig(t testing.TB) *rig {
	return &rig{Registry: registrytest.New(t), t: t, layers: map[string]string{}, programs: map[string]string{}}
}

func (r *rig) registry() string { return r.Host() + "/schemahero/plugins" }

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
	repo := "schemahero/plugins/" + name
	layer := r.Blob(r.t, repo, data)
	layer.MediaType, layer.Annotations = "application/gzip", map[string]string{ocispec.AnnotationTitle: file + ".tar.gz"}
	r.Blob(r.t, repo, []byte("{}"))
	m, _ := r.Put(r.t, repo, typeManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: typeManifest, ArtifactType: artifact.TypeSingle,
		Config: ocispec.DescriptorEmptyJSON, Layers: []ocispec.Descriptor{layer},
	})
	m.Platform = &ocispec.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}
	r.Put(r.t, repo, typeIndex, ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: typeIndex, Manifests: []ocispec.Descriptor{m}}, version)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.layers[name+" "+version] = "/v2/" + repo + "/blobs/" + sum(data)
	r.programs[sum(body)] = name + " " + version
}

// times returns how often a driver's layer was fetched.
func (r *rig) times(name, version string) int { return r.Count("GET " + r.layers[name+" "+version]) }

// watch has chunk called before each piece of a layer, which is sent in pieces
// then.
func (r *rig) watch(chunk func(sent int)) {
	r.SetFault(func(_ int, w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/blobs/") {
			return false
		}
		rec := httptest.NewRecorder()
		r.Inner.ServeHTTP(rec, req)
		w.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
		for sent := 0; rec.Body.Len() > 0; sent += pieceSize {
			chunk(sent)
			if _, err := w.Write(rec.Body.Next(pieceSize)); err != nil {
				return true
			}
			w.(http.Flusher).Flush()
		}
		return true
	})
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

// whole returns the version of an installed driver, "" if it is missing. It
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
