package resolve

import (
	"context"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// Catalog is what registries hold. Its methods are called from several
// goroutines at a time.
type Catalog interface {
	// Tags returns all tags of a repository (host/path, or oci-layout:DIR), in
	// any order. The error matches artifact.ErrNotFound where the repository
	// does not exist, and artifact.ErrDenied where the registry refused a
	// request that bore no credentials.
	Tags(ctx context.Context, repository string) ([]string, error)
	// Reader returns a reader of the repository; it asks nothing yet.
	Reader(repository string) (artifact.Reader, error)
}

// Options say what to resolve, and how far to leave what is locked alone.
type Options struct {
	Manifest *manifest.Manifest
	Locked   *lockfile.Lock // nil where there is none
	Override string         // SCHEMAHERO_PLUGIN_REGISTRY, see manifest.Locations
	Now      time.Time      // for minimum-age

	UpgradeAll bool              // no locked version is preferred
	Upgrade    []string          // those of these plugins are not
	Precise    map[string]string // the version to take, by plugin; implies Upgrade

	// CheckMoved asks the registry whether the locked tags still name what is
	// locked: one request for each.
	CheckMoved bool
	// AcceptMoved names plugins whose tag may have moved: what it names now, or
	// a newer version, is taken. It implies CheckMoved.
	AcceptMoved []string
}

// Result is what Resolve found.
type Result struct {
	Lock     *lockfile.Lock
	Skipped  []Skipped // newer versions that were passed over, by plugin, the newest first
	Notes    []Note
	Warnings []error // *artifact.StatedError of what was chosen all the same
	Moved    []Moved // entries that were kept although, or found while, their tags changed; with CheckMoved all
}

// Skipped is a version that the constraint admits and that was passed over for
// an older one.
type Skipped struct {
	Plugin  string
	Version string
	Verdict Verdict // platform, age, undated, host, conflict, broken or deleted
	Detail  string  // why, as a predicate: "offers no linux/arm64"
}

// String returns "postgres 0.1.4: offers no linux/arm64".
func (s Skipped) String() string { return s.Plugin + " " + s.Version + ": " + s.Detail }

// Note is something that the user should know and that is no failure.
type Note struct {
	Plugin string
	Text   string
}

// String returns "postgres: TEXT".
func (n Note) String() string { return n.Plugin + ": " + n.Text }
