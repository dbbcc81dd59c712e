package install

import (
	"context"
	"errors"
	"time"

	"github.com/opencontainers/go-digest"
)

func reason(err error) error { return err }

// Inspect tells how each item's file stands, in the items' order. Where a
// receipt matches the file's stat it reads nothing else; other files it
// hashes. It takes no lock and writes nothing.
func (e *Engine) Inspect(ctx context.Context, items []Item) ([]Status, error) {
	return nil, errors.ErrUnsupported
}

// Verify is Inspect with every file hashed. A receipt that vouches for bytes
// which are not there is marked, so that the next Inspect sees the change too;
// for that, and only then, the home's lock is taken: do not call Verify while
// holding it.
func (e *Engine) Verify(ctx context.Context, items []Item) ([]Status, error) {
	return nil, errors.ErrUnsupported
}

// CheckPlace tells, before anything is fetched, whether every item that needs
// it can be placed. Errors, joined, each in an *ItemError: *ForeignError
// (without force), *FolderError, *SpaceError.
func (e *Engine) CheckPlace(work []Status, force bool) error { return errors.ErrUnsupported }

// StageOptions change what Stage does.
type StageOptions struct {
	Refetch   bool // discard what the store has
	KeepGoing bool // try every layer, though one failed
}

// Stage brings the layers that work needs into the store, in parallel, each
// fetched by one process only. Errors, joined, each in an *ItemError:
// *IntegrityError, the Fetcher's, *fs.PathError.
func (e *Engine) Stage(ctx context.Context, work []Status, o StageOptions) error {
	return errors.ErrUnsupported
}

// Sweep removes temporary files of processes that no longer run, from the
// store, the receipts and the folders given.
func (e *Engine) Sweep(dirs ...string) error { return errors.ErrUnsupported }

// Hold is the home's lock, held. What changes installed files hangs on it.
type Hold struct{ e *Engine }

// Lock takes the home's lock, waiting for another process if need be and
// saying so by an event.
func (e *Engine) Lock(ctx context.Context) (*Hold, error) { return nil, errors.ErrUnsupported }

// Unlock gives the lock up. It may be called more than once.
func (h *Hold) Unlock() error { return errors.ErrUnsupported }

// PlaceOptions change what Place does.
type PlaceOptions struct {
	Claim     Claim              // who wants the items
	Force     bool               // overwrite files that are not ours
	KeepGoing bool               // place what can be placed
	Again     bool               // copy every item from the store, whatever is there (--refetch)
	Probe     bool               // start each driver first, and place only what answers
	Keep      func(Receipt) bool // the claim is dropped from files that are not among the items and for which this is false; nil: no claim is dropped
}

// Action is what Place did for an item.
type Action string

// The actions.
const (
	Kept      Action = "kept"      // it was right
	Adopted   Action = "adopted"   // the file was right, its receipt was written
	Installed Action = "installed" // there was no file
	Replaced  Action = "replaced"  // another layer's file, or a foreign one, stood there
	Repaired  Action = "repaired"  // the file was not what its receipt says
)

// Placed is what happened to one item.
type Placed struct {
	Item   Item
	Action Action
	Before *Receipt // of the file that was replaced, nil where there was none
}

// Conflict says that a file was replaced which another claim wants as it was.
type Conflict struct {
	Item    Item   // what stands there now
	Claim   Claim  // who wants the other
	Version string // of the other; "" where it states none
}

// Report is what Place did.
type Report struct {
	Placed    []Placed // in the items' order, without those that failed
	Conflicts []Conflict
	Dropped   []Receipt // files that lost the claim
}

// Place makes every item's file right. It looks again at each, since the lock
// was not held before. Unless KeepGoing, a failure leaves every file as it was.
// Errors, joined, each in an *ItemError: *ForeignError, *UnstagedError,
// *ProbeError, *FolderError, *fs.PathError.
func (h *Hold) Place(ctx context.Context, items []Item, o PlaceOptions) (Report, error) {
	return Report{}, errors.ErrUnsupported
}

// Receipts returns what is known of every installed file, sorted by path.
func (e *Engine) Receipts() ([]Receipt, error) { return nil, errors.ErrUnsupported }

// Unused returns the receipts of files that no claim wants any more: each
// lock that claims one is gone, or names no such driver.
func (e *Engine) Unused() ([]Receipt, error) { return nil, errors.ErrUnsupported }

// PruneOptions change what Prune removes.
type PruneOptions struct {
	All       bool          // what only a download claims, too
	DryRun    bool          // remove nothing
	OlderThan time.Duration // only what has been there for longer
	Store     bool          // also layers in the store that nothing wants
}

// Pruned is what Prune removed, or would.
type Pruned struct {
	Files   []Receipt
	Changed []Receipt // unused, but changed since: left alone
	Layers  []Entry
	Bytes   int64 // of files and layers
}

// Prune removes the files that no claim wants.
func (h *Hold) Prune(o PruneOptions) (Pruned, error) { return Pruned{}, errors.ErrUnsupported }

// Adopt gives a file that was installed by hand a receipt, if it is the
// item's executable, which the lock must state or the store hold. Otherwise
// the error is a *ForeignError.
func (h *Hold) Adopt(item Item, claim Claim) error { return errors.ErrUnsupported }

// Hash returns the SHA-256 of a file.
func Hash(ctx context.Context, path string) (digest.Digest, error) { return "", errors.ErrUnsupported }

// Entry is a layer in the store.
type Entry struct {
	Layer      digest.Digest
	Executable digest.Digest
	Size       int64     // of the executable, bytes
	Path       string    // of the executable in the store
	Used       time.Time // when it was last placed
}

// SearchPath returns the folders in which the host looks for drivers, first
// wins: cwd, cwd/plugins/bin, userHome/.schemahero/plugins, the two of the
// system, and those of list, the value of SCHEMAHERO_PLUGIN_PATH. userHome may
// be "". Source: DiscoverPlugins in pkg/database/plugin of SchemaHero v0.24.
func SearchPath(cwd, userHome, list string) []string { return nil }

// Found is a file that bears a driver's name in a folder of the search path.
type Found struct {
	Path    string
	Problem string // why the host cannot start it: "is not executable"; "" where it can
}

// Discover returns the files under which the host finds a driver, in its
// order. The host takes the first, even where it then cannot start it; the
// others are shadowed.
func Discover(file string, dirs []string) []Found { return nil }
