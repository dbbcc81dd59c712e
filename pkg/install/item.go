package install

import (
	"github.com/opencontainers/go-digest"
)

// Item is one file that should stand somewhere: a driver, or an alias of one.
type Item struct {
	Name       string // under which the host looks: the driver's, or an alias
	Plugin     string // the driver's own name
	Version    string // "" where its release states none
	Repository string
	Layer      Layer
	Path       string // absolute, with the file's name
}

// State is how a file stands to what a lock wants.
type State string

// The states. Inspect and Verify give the first five; Shadowed and Unused are
// for callers, who learn of them from Discover and Unused.
const (
	OK            State = "ok"
	Missing       State = "missing"
	Changed       State = "changed"       // ours, with other bytes than the layer's executable
	NotExecutable State = "notExecutable" // the right bytes, but the host cannot start it
	Foreign       State = "foreign"       // not ours: it never had a receipt
	Shadowed      State = "shadowed"      // right, but the host finds another one first
	Unused        State = "unused"        // ours, and wanted by no lock
)

// Status is what Inspect and Verify found where an item should be.
type Status struct {
	Item
	State State
	// Found is the SHA-256 of the file there: computed, or vouched for by a
	// receipt that matches. "" where there is no file or nothing told.
	Found digest.Digest
	// Receipt is what this home knows of the path, nil where it never placed a
	// file there or lost the receipt's content.
	Receipt *Receipt
	// Unrecorded: the file is right, but its receipt is missing or does not
	// match it. Place writes one and copies nothing.
	Unrecorded bool

	damaged bool // there is a receipt, and it cannot be read
}

// NeedsLayer tells whether Place will copy the item from the store, so that
// its layer must be staged first.
func (s Status) NeedsLayer() bool { return s.State != OK && s.State != NotExecutable }

// ours tells whether the file at the path was placed by this home.
func (s Status) ours() bool { return s.Receipt != nil || s.damaged }
