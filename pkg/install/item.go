package install

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// Item is one file that should stand somewhere: a driver, or an alias of one.
type Item struct {
	Name       string // under which the host looks: the driver's, or an alias
	Plugin     string // the driver's own name
	Version    string // "" if its release states none
	Repository string
	Layer      Layer
	Path       string // absolute, with the file's name
}

// State is how a file stands to what a lock wants.
type State string

// The states. Inspect and Verify give the first five; Shadowed, Unused and
// Overridden are for callers, who learn of them from Discover, Unused and
// Home.Overridden.
const (
	OK            State = "ok"
	Missing       State = "missing"
	Changed       State = "changed"       // with other bytes than the layer's executable, and ours; or with another mode than 0755
	NotExecutable State = "notExecutable" // the right bytes, but the host cannot start it
	Foreign       State = "foreign"       // not ours: it never had a receipt
	Shadowed      State = "shadowed"      // right, but the host finds another one first
	Unused        State = "unused"        // ours, and wanted by no lock
	Overridden    State = "overridden"    // a link to a driver under development
)

// Status is what Inspect and Verify found where an item should be.
type Status struct {
	Item
	State State
	// Found is the SHA-256 of the file there: computed, or vouched for by a
	// receipt. "" if there is no regular file that can be read.
	Found digest.Digest
	// Receipt is what this home knows of the path, nil if it never placed a
	// file there or the receipt is damaged. If State is Changed, a
	// Layer other than Item's means another version, the same one a tampered file.
	Receipt *Receipt

	path   string    // canonical
	stat   disk.Stat // before Found was computed
	record record    // how the receipt stands to the file
	sure   bool      // the file is the one that the receipt is of
	mode   bool      // the bytes are right, only the mode is not
	// Unjudged: the file is Foreign as far as is known. Neither lock nor home say
	// what the layer holds; once it is staged, the file may turn out to be that.
	Unjudged bool
}

// record is how a receipt stands to the file at its path.
type record int

const (
	noRecord record = iota // this home never placed a file there
	recorded               // the file is right, and the receipt says so
	stale                  // it is about another file than is there, or another item
	damaged                // it cannot be read
	mistaken               // it vouches for other bytes than are there
)

// needsLayer reports whether Place will copy the item from the store, so that
// its layer must be staged first.
func (s Status) needsLayer() bool { return s.State != OK && !s.mode }

// Startable reports whether the bytes are right and the host can start them, be the
// mode not the one that it should be.
func (s Status) Startable() bool { return s.State == OK || s.State == Changed && s.mode }

// Unrecorded reports whether the bytes are right, and the receipt does not say so
// or is missing. Place writes one and copies nothing.
func (s Status) Unrecorded() bool { return (s.State == OK || s.mode) && s.record != recorded }

// ours reports whether the file at the path was placed by this home.
func (s Status) ours() bool { return s.record != noRecord }

// Settled reports whether Place would have nothing to do for the item on behalf
// of a claim: the file is right, and its receipt says so and has the claim.
func (s Status) Settled(c Claim) bool {
	return s.State == OK && s.record == recorded && (c == "" || s.Receipt.claimed(c))
}

// Planned returns what Place would do for the item.
func (s Status) Planned() Action {
	switch {
	case s.State == Missing:
		return Installed
	case s.mode, s.record == damaged, s.State == Changed && s.Receipt != nil && s.Receipt.Layer == s.Layer.Digest:
		return Repaired
	case s.needsLayer():
		return Replaced
	case !s.ours():
		return Adopted
	}
	return Kept
}

// check refuses what no lock that was read can ask for.
func (it Item) check() error {
	if !filepath.IsAbs(it.Path) {
		return &ItemError{it, fmt.Errorf("%s: is not an absolute path", it.Path)}
	}
	if err := checkLayer(it.Layer); err != nil {
		return &ItemError{it, err}
	}
	return nil
}

// Layer is the blob that carries a driver for one platform, as a lock pins it.
type Layer struct {
	Plugin     string            // the driver's own name, not an alias
	Repository string            // where it is fetched from, host/path
	Platform   artifact.Platform //
	Digest     digest.Digest     // of the compressed bytes
	Size       int64             // of the compressed bytes
	File       string            // the layer's title, a bare file name
	Executable digest.Digest     // of the executable inside; "" if the release does not state it
}

// Fetcher opens layers. The bytes need not have been verified: the store checks
// them against the layer's digest and size itself.
type Fetcher interface {
	Fetch(ctx context.Context, l Layer) (io.ReadCloser, error)
}

// executableBits: a file's mode says whether it can be started. On Windows its
// name does.
const executableBits = runtime.GOOS != "windows"
