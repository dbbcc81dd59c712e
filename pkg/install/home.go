package install

import "path/filepath"

// Home is the one place that knows where things lie in SchemaHero's folder,
// ~/.schemahero unless the user names another. It only makes paths.
type Home struct{ dir string }

// NewHome returns the home in dir, an absolute path. The folder need not exist.
func NewHome(dir string) Home { return Home{filepath.Clean(dir)} }

// Dir returns the home itself.
func (h Home) Dir() string { return h.dir }

// Plugins returns the folder of installed drivers that all projects share, and
// in which the host looks.
func (h Home) Plugins() string { return filepath.Join(h.dir, "plugins") }

// Store returns the folder of extracted layers.
func (h Home) Store() string { return filepath.Join(h.dir, "store") }

// Receipts returns the folder of what is known about installed files.
func (h Home) Receipts() string { return filepath.Join(h.dir, "receipts") }

// Locks returns the folder of the locks between processes.
func (h Home) Locks() string { return filepath.Join(h.dir, "locks") }

// Config returns the user's configuration file.
func (h Home) Config() string { return filepath.Join(h.dir, "config.toml") }

// BundleLock returns the lock of the bundle that was last installed without any
// project: what it names stays installed.
func (h Home) BundleLock() string { return filepath.Join(h.dir, "bundle.lock") }

// Trust returns the folder of trusted roots and of what was verified.
func (h Home) Trust() string { return filepath.Join(h.dir, "trust") }

// Cache returns the folder of what may be lost: it is fetched again.
func (h Home) Cache() string { return filepath.Join(h.dir, "cache") }
