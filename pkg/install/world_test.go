package install

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

var linux = artifact.Platform{OS: "linux", Arch: "amd64"}

// world is a home, a registry, and the projects that use them.
type world struct {
	t    testing.TB
	dir  string // of the home
	reg  *registry
	copy bool // installed files are no links to the store's
	mu   sync.Mutex
	told []Event
}

func newWorld(t testing.TB) *world {
	return &world{t: t, dir: filepath.Join(tempDir(t), "home"), reg: &registry{layers: map[digest.Digest][]byte{}}}
}

// tempDir is t.TempDir in memory, if there is such a place: what a test of
// this package waits for is fsync.
func tempDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "install")
	if err != nil || !filepath.IsAbs(dir) {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (w *world) home() Home { return NewHome(w.dir) }

func (w *world) installer() *Installer {
	return Open(w.home(), Options{Fetch: w.reg, Host: linux, Link: !w.copy, Events: func(e Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, e)
	}})
}

// events returns the events of a kind so far.
func (w *world) events(k EventKind) (out []Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.told {
		if e.Kind == k {
			out = append(out, e)
		}
	}
	return out
}

// registry is a Fetcher over bytes in memory.
type registry struct {
	mu      sync.Mutex
	layers  map[digest.Digest][]byte
	fetched []digest.Digest
	// open, where set, stands between a layer's bytes and who fetches them.
	open func(l Layer, data []byte) (io.ReadCloser, error)
}

func (r *registry) Fetch(_ context.Context, l Layer) (io.ReadCloser, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fetched = append(r.fetched, l.Digest)
	data, ok := r.layers[l.Digest]
	if !ok {
		return nil, fmt.Errorf("%s: %w", l.Digest, artifact.ErrNotFound)
	}
	if r.open != nil {
		return r.open(l, data)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (r *registry) fetches() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.fetched)
}

func targz(t testing.TB, name, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.StatelessCompression) // the others take a megabyte each
	w := tar.NewWriter(z)
	err := errors.Join(w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(data)), Mode: 0o755}))
	_, err2 := io.WriteString(w, data)
	if err := errors.Join(err, err2, w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// content is the executable of a driver's version.
func content(name, version string) string { return "#!/bin/sh\necho " + name + " " + version + "\n" }

// publish puts a version into the registry and returns the item that installs
// it in the home's folder.
func (w *world) publish(name, version string) Item {
	w.t.Helper()
	data := targz(w.t, "schemahero-"+name, content(name, version))
	layer := digest.FromBytes(data)
	w.reg.mu.Lock()
	w.reg.layers[layer] = data
	w.reg.mu.Unlock()
	return Item{
		Name: name, Plugin: name, Version: version, Repository: "registry.test/" + name,
		Layer: Layer{
			Plugin: name, Repository: "registry.test/" + name, Platform: linux,
			Digest: layer, Size: int64(len(data)), File: linux.Archive(name),
		},
		Path: filepath.Join(w.home().Plugins(), "schemahero-"+name),
	}
}

// stated is an item whose lock states the executable.
func stated(it Item) Item {
	it.Layer.Executable = digest.FromString(content(it.Plugin, it.Version))
	return it
}

// lock writes a lock that wants items, and returns its claim.
func (w *world) lock(project string, items ...Item) Claim {
	w.t.Helper()
	dir := filepath.Join(filepath.Dir(w.dir), project)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	l := &lockfile.Lock{}
	for _, it := range items {
		if it.Name != it.Plugin {
			p, _ := l.Plugin(it.Plugin)
			p.Aliases = append(p.Aliases, it.Name)
			continue
		}
		l.Plugins = append(l.Plugins, lockfile.Plugin{
			Name: it.Name, Version: it.Version, Repository: it.Repository, Tag: it.Version, Digest: digest.FromString("index " + it.Name + it.Version),
			Platforms: []lockfile.Platform{{
				Platform: it.Layer.Platform, Manifest: digest.FromString("manifest"), Layer: it.Layer.Digest,
				Size: it.Layer.Size, File: it.Layer.File,
			}},
		})
	}
	path := filepath.Join(dir, "schemahero-plugins.lock")
	if err := l.Save(path); err != nil {
		w.t.Fatal(err)
	}
	return LockClaim(path)
}

// symlink makes a symbolic link, which Wine says it does.
func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Skip("Wine: makes no symbolic links")
	}
}

// holds fails the test unless the item's file has a version's content and can
// be started.
func (w *world) holds(it Item, version string) {
	w.t.Helper()
	data, err := os.ReadFile(it.Path)
	if err != nil {
		w.t.Fatal(err)
	}
	if string(data) != content(it.Plugin, version) {
		w.t.Errorf("%s: holds %q, want version %s", it.Path, data, version)
	}
	if info, _ := os.Lstat(it.Path); executableBits && info.Mode() != 0o755 {
		w.t.Errorf("%s: has mode %v", it.Path, info.Mode())
	}
}

var every = flag.Bool("every", false, "fail or kill at each point, not only at some")

var epoch = time.Unix(1e9, 0)

func layerOf(s string) digest.Digest { return digest.FromString(s) }

// receiptFiles returns the receipts of a home, given a file in its plugins.
func receiptFiles(t *testing.T, plugin string) []string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(plugin)), "receipts", "*.json"))
	if len(files) == 0 {
		t.Fatal("there are no receipts")
	}
	return files
}

// runSync is a sync as the façade does it.
func runSync(ctx context.Context, e *Installer, items []Item, o PlaceOptions) (Report, error) {
	work, err := e.Inspect(ctx, items)
	if err != nil {
		return Report{}, err
	}
	if err := e.CheckPlace(work, o.Force); err != nil && !o.KeepGoing {
		return Report{}, err
	}
	if err := e.Stage(ctx, work, StageOptions{KeepGoing: o.KeepGoing, Refetch: o.Again}); err != nil && !o.KeepGoing {
		return Report{}, err
	}
	hold, err := e.Lock(ctx)
	if err != nil {
		return Report{}, err
	}
	defer hold.Unlock()
	return hold.Place(ctx, items, o)
}

func (w *world) sync(claim Claim, items ...Item) Report {
	w.t.Helper()
	r, err := runSync(w.t.Context(), w.installer(), items, PlaceOptions{Claim: claim})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) states(e *Installer, items ...Item) string {
	w.t.Helper()
	all, err := e.Inspect(w.t.Context(), items)
	if err != nil {
		w.t.Fatal(err)
	}
	return stateText(all)
}

func stateText(all []Status) string {
	var out []string
	for _, s := range all {
		text := s.Name + ":" + string(s.State)
		if s.Unrecorded() {
			text += "?"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func actions(r Report) string {
	var out []string
	for _, p := range r.Placed {
		out = append(out, p.Item.Name+":"+string(p.Action))
	}
	return strings.Join(out, " ")
}

func write(t testing.TB, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o755); err != nil {
		t.Fatal(err)
	}
}

// tidy fails the test if temporary files or locks on layers lie about.
func (w *world) tidy() {
	w.t.Helper()
	filepath.WalkDir(filepath.Dir(w.dir), func(path string, d os.DirEntry, err error) error {
		if err == nil && (strings.Contains(d.Name(), ".tmp") || strings.HasPrefix(d.Name(), "sha256-")) {
			w.t.Errorf("%s was left behind", path)
		}
		return nil
	})
}
