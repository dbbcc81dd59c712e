package plugins

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// ManifestName is the manifest's file name.
const ManifestName = "schemahero-plugins.toml"

// Project is a manifest and its lock.
type Project struct {
	file    string // absolute
	options project.Options
}

// FindManifest returns the manifest in dir or the nearest folder above it. The
// error's kind is Usage if there is none.
func FindManifest(dir string) (string, error) { return manifest.Find(dir) }

// Open returns the project of a manifest; a relative path is made absolute.
// HOME/config.toml is read, the project's files are not yet.
func Open(manifestFile string, o Options) (*Project, error) {
	file, err := filepath.Abs(manifestFile)
	if err != nil {
		return nil, err
	}
	e, err := o.project()
	return &Project{file, e}, err
}

// call opens the project again for one call: what the registries said to an
// earlier one does not count.
func (p *Project) call() *project.Project { return project.Open(p.file, p.options) }

// LockReport is what became of the lock.
type LockReport struct {
	Lock    *lockfile.Lock
	Changes []lockfile.Change // sorted by name
	Moved   []Moved           // tags that no longer name what is locked; the entries are kept
	Refused []error           // by the trust rules: why Update kept entries as they were locked
}

// Moved is a tag that no longer names what the lock pins.
type Moved struct {
	Driver     string
	Repository string
	Tag        string
	Locked     digest.Digest
	Now        digest.Digest // "" where the tag is gone
	Gone       bool          // what is locked cannot be fetched any more
}

func movedOf(moved []resolve.Moved) []Moved {
	var out []Moved
	for _, m := range moved {
		out = append(out, Moved{m.Plugin, m.Repository, m.Tag, m.Locked, m.Now, m.Kind == resolve.ContentGone})
	}
	return out
}

func lockReport(r project.LockReport) LockReport {
	out := LockReport{Lock: r.Lock, Changes: r.Changes, Refused: r.Refused}
	if r.Result != nil {
		out.Moved = movedOf(r.Result.Moved)
	}
	return out
}

// LockOptions change what Lock does.
type LockOptions struct {
	DryRun bool // change nothing
}

// Lock resolves the manifest to a lock and saves it. A lock that satisfies the
// manifest is kept as it is, without network.
func (p *Project) Lock(ctx context.Context, o LockOptions) (*LockReport, error) {
	r, err := p.call().Lock(ctx, project.LockOptions{DryRun: o.DryRun})
	if r == nil {
		return nil, err
	}
	report := lockReport(*r)
	return &report, err
}

// SyncOptions change what Sync and Update do.
type SyncOptions struct {
	Locked    bool                // fail, of kind Stale, if the lock is missing or out of date, or a driver is overridden
	Frozen    bool                // the lock alone decides; a manifest is not needed, and no driver may be overridden
	Prune     bool                // afterwards remove what no lock wants
	Force     bool                // overwrite files that were not installed by this home
	KeepGoing bool                // install what can be installed if something fails
	DryRun    bool                // change nothing; the report says what would be done
	Platforms []artifact.Platform // nil: that of the Options; several go to Dir/OS-ARCH
	Dir       string              // "" for the manifest's dir, else Home/plugins
}

func (o SyncOptions) project() (project.SyncOptions, error) {
	e := project.SyncOptions{Locked: o.Locked, Frozen: o.Frozen, Exact: o.Locked || o.Frozen, Prune: o.Prune, Force: o.Force, KeepGoing: o.KeepGoing, DryRun: o.DryRun, Platforms: o.Platforms}
	var err error
	if o.Dir != "" {
		e.Dir, err = filepath.Abs(o.Dir)
	}
	return e, err
}

// SyncReport is what a sync did, or with DryRun would do.
type SyncReport struct {
	LockReport
	Items  []Item // sorted by name
	Pruned []Item // files that were removed
}

// Item is an executable: a driver, or an alias of one.
type Item struct {
	Name       string // that the host looks for
	Driver     string
	Version    string // "" if the release states none
	Repository string
	Platform   artifact.Platform
	Layer      digest.Digest
	Path       string // absolute
	State      State
	Action     Action // of a sync; "" if nothing was done
}

// State is how a file stands to what the lock wants.
type State string

// The states.
const (
	OK            State = "ok"
	Missing       State = "missing"
	Changed       State = "changed"       // not what the lock wants, and installed by this home
	NotExecutable State = "notExecutable" // the right bytes, but the host cannot start it
	Foreign       State = "foreign"       // never installed by this home
	Shadowed      State = "shadowed"      // right, but the host finds another one first
	Unused        State = "unused"        // installed by this home, and wanted by no lock
	Overridden    State = "overridden"    // a driver under development, of [overrides] in config.toml, stands in its place
)

// Action is what a sync did for a file.
type Action string

// The actions.
const (
	Kept      Action = "kept"
	Adopted   Action = "adopted" // the file was right, and is recorded now
	Installed Action = "installed"
	Replaced  Action = "replaced"
	Repaired  Action = "repaired"
)

func itemOf(s install.Status, a install.Action) Item {
	return Item{
		Name: s.Name, Driver: s.Plugin, Version: s.Version, Repository: s.Repository, Platform: s.Layer.Platform,
		Layer: s.Layer.Digest, Path: s.Path, State: State(s.State), Action: Action(a),
	}
}

func itemsOf(found []install.Status) []Item {
	out := make([]Item, len(found))
	for i, s := range found {
		out[i] = itemOf(s, "")
	}
	return out
}

func receiptItems(receipts []install.Receipt) []Item {
	var out []Item
	for _, r := range receipts {
		out = append(out, Item{Name: r.Name, Version: r.Version, Layer: r.Layer, Path: r.Path, State: Unused})
	}
	return out
}

func syncReport(r *project.SyncReport) *SyncReport {
	if r == nil {
		return nil
	}
	out := &SyncReport{LockReport: lockReport(r.LockReport), Pruned: receiptItems(r.Pruned.Files)}
	for _, it := range r.Items {
		out.Items = append(out.Items, itemOf(it.Status, it.Action))
	}
	out.Items = append(out.Items, itemsOf(r.Standing)...)
	slices.SortStableFunc(out.Items, func(a, b Item) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Sync makes this machine match the project: the lock if it is current, else the
// newest releases that satisfy the manifest, which are locked.
func (p *Project) Sync(ctx context.Context, o SyncOptions) (*SyncReport, error) {
	e, err := o.project()
	if err != nil {
		return nil, err
	}
	r, err := p.call().Sync(ctx, e)
	return syncReport(r), err
}

// UpdateOptions say what Update takes.
type UpdateOptions struct {
	Names        []string // drivers; nil for all
	Precise      string   // the version to take; needs exactly one name
	AcceptMoved  bool     // take what a moved tag names now; needs names
	AcceptSigner bool     // take what another signer signed than is locked; needs names
	Sync         SyncOptions
}

// Update locks the newest releases that the manifest admits and installs them.
// An entry whose tag moved, or whose successor the trust rules refuse, is kept
// and reported.
func (p *Project) Update(ctx context.Context, o UpdateOptions) (*SyncReport, error) {
	e, err := o.Sync.project()
	if err != nil {
		return nil, err
	}
	if o.Precise != "" && len(o.Names) != 1 || len(o.Names) == 0 && (o.AcceptMoved || o.AcceptSigner) {
		return nil, &optionsError{"update: Precise needs exactly one name, and AcceptMoved and AcceptSigner need names"}
	}
	r, err := p.call().Update(ctx, project.UpdateOptions{Names: o.Names, Precise: o.Precise, AcceptMoved: o.AcceptMoved, AcceptSigner: o.AcceptSigner}, e)
	return syncReport(r), err
}

// OutdatedOptions change what Outdated does; there are none.
type OutdatedOptions struct{}

// OutdatedReport compares what is locked with what the registries have.
type OutdatedReport struct {
	Items []Outdated // sorted by name
}

// Outdated is one driver. Versions are a tag or digest if a release states
// none.
type Outdated struct {
	Name       string
	Repository string
	Current    string // "" if the lock does not have the driver
	Wanted     string // what an update would take
	Latest     string // the newest that there is, admitted or not
	Behind     bool   // Latest is newer, an update would change it, or its tag moved
	Moved      []Moved
	Withdrawn  *artifact.Withdrawal // of what is locked, by its publisher; nil if it was not
}

// Outdated compares what is locked with what the registries have.
func (p *Project) Outdated(ctx context.Context, _ OutdatedOptions) (*OutdatedReport, error) {
	found, err := p.call().Outdated(ctx)
	if err != nil {
		return nil, err
	}
	r := &OutdatedReport{}
	for _, b := range found {
		r.Items = append(r.Items, Outdated{b.Plugin, b.Repository, b.Current, b.Wanted, b.Latest, b.Outdated(), movedOf(b.Moved), b.Withdrawn})
	}
	return r, nil
}

// ListOptions change what List looks at.
type ListOptions struct {
	SearchPath []string // where the host looks for drivers, absolute, in its order; nil: shadowing is not told
}

// ListReport is what is installed and what should be.
type ListReport struct {
	Items []Item // sorted by name, then in the order of the search path
}

// List returns the lock's executables and what else this home has installed. It
// asks no network and hashes no file whose receipt still matches.
func (p *Project) List(ctx context.Context, o ListOptions) (*ListReport, error) {
	found, err := p.call().List(ctx, o.SearchPath)
	if err != nil {
		return nil, err
	}
	return &ListReport{itemsOf(found)}, nil
}

// VerifyOptions change what Verify looks at.
type VerifyOptions struct {
	Remote bool   // compare the lock with the registries, too
	Dir    string // "" for where Sync installs
}

// VerifyReport is how the installed files stand to the lock.
type VerifyReport struct {
	Items     []Item // sorted by name
	Moved     []Moved
	Withdrawn map[string]artifact.Withdrawal // by driver: of what is locked, by its publisher
}

// Verify hashes every installed file and compares it with the lock. What differs
// is in the report and no error; a missing or stale lock is one.
func (p *Project) Verify(ctx context.Context, o VerifyOptions) (*VerifyReport, error) {
	e, err := SyncOptions{Dir: o.Dir}.project()
	if err != nil {
		return nil, err
	}
	call := p.call()
	found, err := call.Verify(ctx, e)
	if err != nil {
		return nil, err
	}
	if found.Stale != nil {
		return nil, found.Stale
	}
	r := &VerifyReport{Items: itemsOf(found.Items)}
	if o.Remote {
		moved, withdrawn, err := call.VerifyRemote(ctx)
		r.Moved, r.Withdrawn = movedOf(moved), map[string]artifact.Withdrawal{}
		for _, w := range withdrawn {
			r.Withdrawn[w.Entry.Name] = w.By
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// PruneOptions change what Prune removes.
type PruneOptions struct {
	All       bool          // what Download installed, too
	OlderThan time.Duration // only what was installed longer ago
	DryRun    bool          // change nothing
}

// PruneReport is what Prune removed, or with DryRun would.
type PruneReport struct {
	Removed []Item // files, sorted by path
	Kept    []Item // wanted by no lock, but changed since they were installed
	Bytes   int64  // of files and of layers in the store
}

// Prune removes what no lock on this machine wants any more: installed files,
// and layers in the store.
func (p *Project) Prune(ctx context.Context, o PruneOptions) (*PruneReport, error) {
	pruned, err := p.call().Prune(ctx, install.PruneOptions{All: o.All, OlderThan: o.OlderThan, Store: true}, o.DryRun)
	return &PruneReport{Removed: receiptItems(pruned.Files), Kept: receiptItems(pruned.Changed), Bytes: pruned.Bytes}, err
}

// DownloadOptions say what Download fetches.
type DownloadOptions struct {
	Name       string            // a driver, or an engine that one serves
	Constraint string            // "" for the newest stable version
	Platform   artifact.Platform // zero for that of the Options
	Dir        string            // "" for Home/plugins
	Force      bool              // overwrite a file that was not installed by this home
}

// Download installs the newest release of a driver that a constraint admits,
// without any project. Of an engine's name (postgresql, mariadb) it takes the
// driver that serves it; for one that the host asks for by that name
// (cockroachdb) the executable is installed under it too. The files stay until
// another Download of the driver replaces them or they are pruned with All. The
// trust rules of this machine hold.
func Download(ctx context.Context, o Options, d DownloadOptions) (*SyncReport, error) {
	e, err := o.project()
	if err != nil {
		return nil, err
	}
	if d.Dir != "" {
		if d.Dir, err = filepath.Abs(d.Dir); err != nil {
			return nil, err
		}
	}
	r, err := project.Download(ctx, e, project.DownloadOptions{Name: d.Name, Constraint: d.Constraint, Platform: d.Platform, Dir: d.Dir, Force: d.Force})
	return syncReport(r), err
}
