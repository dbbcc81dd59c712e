package install

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// Home is the one place that knows where things lie in SchemaHero's folder,
// ~/.schemahero unless the user names another. It only makes paths.
type Home struct{ dir string }

// NewHome returns the home in dir, an absolute path. The folder need not exist.
// With "" there is no home: all its paths are "", and whatever has to read or
// write there returns a *NoHomeError.
func NewHome(dir string) Home {
	if dir == "" {
		return Home{}
	}
	return Home{filepath.Clean(dir)}
}

// Dir returns the home itself.
func (h Home) Dir() string { return h.dir }

// check returns a *NoHomeError unless there is a home.
func (h Home) check() error {
	if h.dir == "" {
		return &NoHomeError{}
	}
	return nil
}

func (h Home) path(name string) string {
	if h.dir == "" {
		return ""
	}
	return filepath.Join(h.dir, name)
}

// Plugins returns the folder of installed drivers that all projects share, and
// in which the host looks.
func (h Home) Plugins() string { return h.path("plugins") }

// Store returns the folder of extracted layers.
func (h Home) Store() string { return h.path("store") }

// Receipts returns the folder of what is known about installed files.
func (h Home) Receipts() string { return h.path("receipts") }

// locks returns the folder of the locks between processes.
func (h Home) locks() string { return h.path("locks") }

// Config returns the user's configuration file.
func (h Home) Config() string { return h.path("config.toml") }

// BundleLock returns the lock of the bundle that was last installed without any
// project: what it names stays installed.
func (h Home) BundleLock() string { return h.path("bundle.lock") }

// Trust returns the folder of trusted roots and of what was verified.
func (h Home) Trust() string { return h.path("trust") }

// Layers returns the file of what is known of layers.
func (h Home) Layers() string { return h.path("layers") }

// Cache returns the folder of what may be lost: it is fetched again.
func (h Home) Cache() string { return h.path("cache") }

// Manifests returns the folder in the cache for manifests.
func (h Home) Manifests() string { return h.path(filepath.Join("cache", "manifests")) }

// Condition is how a home stands on its disk.
type Condition struct {
	Exists   bool
	Writable error // why files cannot be made there, nil if they can
	Free     int64 // bytes, -1 if unknown
}

// Condition tries whether files can be made in the home, with one that is
// removed at once. A home that does not exist yet is neither made nor tried.
func (e *Installer) Condition() Condition {
	c := Condition{Exists: true, Free: -1}
	if free, _, ok := disk.Free(e.home.dir); ok {
		c.Free = free
	}
	if c.Writable = e.home.check(); c.Writable != nil {
		c.Exists = false
		return c
	}
	_, _ = e.disk.Sweep(e.home.dir) // what was killed while it tried
	t, err := e.disk.CreateTemp(e.home.dir, "try")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Exists, c.Writable = false, e.disk.Writable(e.home.dir)
	case err != nil:
		c.Writable = err
	default:
		t.Discard()
	}
	return c
}
