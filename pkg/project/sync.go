package project

import (
	"context"
	"errors"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// SyncOptions change what Sync does.
type SyncOptions struct {
	Locked    bool                // a missing or stale lock is a *StaleError
	Frozen    bool                // the lock alone decides; a manifest is not needed
	Prune     bool                // afterwards remove what no lock wants
	Force     bool                // overwrite files that were not installed by this home
	KeepGoing bool                // place what can be placed though something failed
	Probe     bool                // start each driver before it is put in place
	Refetch   bool                // fetch every layer anew
	DryRun    bool                // change nothing; the report says what would be done
	Platforms []artifact.Platform // nil: this machine's; several go to Dir/OS-ARCH
	Dir       string              // absolute; "" for the manifest's dir, else Home/plugins
}

// SyncReport is what Sync did, or with DryRun would do.
type SyncReport struct {
	LockReport
	Saved     bool     // the lock, and an edited manifest, are as Changes says
	Items     []Synced // sorted by name
	Conflicts []install.Conflict
	Dropped   []install.Receipt // files that this lock no longer wants
	Pruned    install.Pruned
}

// Synced is one executable after a sync.
type Synced struct {
	install.Status                // as it was before; the state is OK where nothing was to do
	Action         install.Action //
}

// Sync makes this machine match the project: the lock where it is current,
// else the newest releases that satisfy the manifest. Errors: those of Lock,
// *PlatformError, and of install.Engine (joined *install.ItemErrors).
func (p *Project) Sync(ctx context.Context, o SyncOptions) (*SyncReport, error) {
	return p.run(ctx, nil, p.settle(o.Locked, o.Frozen), vetting{}, o)
}

// settle decides what shall be locked, from the files as they were read.
type settle func(ctx context.Context, in *inputs) (*resolve.Result, error)

// run goes from the project's files to installed drivers. A failure before the
// lock is saved changes nothing that a user sees; what happens after it, the
// next run makes good.
func (p *Project) run(ctx context.Context, e edit, decide settle, v vetting, o SyncOptions) (*SyncReport, error) {
	for try := 1; ; try++ {
		in, err := p.load(e, o.Frozen)
		if err != nil {
			return nil, err
		}
		result, err := decide(ctx, in)
		if err != nil {
			return nil, err
		}
		v.in, v.frozen, v.platforms = in, o.Frozen, o.platforms(p.o.Platform)
		refused, err := p.verify(ctx, result, v)
		if err != nil {
			return nil, err
		}
		t := &transition{p: p, in: in, lock: result.Lock, o: o, report: &SyncReport{LockReport: newLockReport(in, result, refused)}}
		if err := t.plan(ctx); err != nil {
			return nil, err
		}
		if o.DryRun {
			return t.report, errors.Join(t.failed, p.engine.CheckPlace(t.work, o.Force), t.foresee(ctx))
		}
		p.sweep(t.dirs)
		if t.settled() && !o.Refetch && !o.Prune {
			return t.report, t.failed
		}
		err = t.apply(ctx)
		if errors.Is(err, errAgain) && try < maxTries {
			continue
		}
		return t.report, err
	}
}

// maxTries bounds how often a sync begins again because somebody else changed
// the same files meanwhile.
const maxTries = 10

// save writes what was decided: an edited manifest first, because with it
// alone the lock is stale and the next run heals that.
func (p *Project) save(in *inputs, lock *lockfile.Lock) error {
	if string(in.edited) != string(in.onDisk) {
		if err := (disk.Disk{}).WriteFile(p.manifest, in.edited, disk.Writing{Follow: true}); err != nil {
			return err
		}
	}
	if sameLock(in.lock, lock) && !in.merged {
		return nil // however it is written: line ends and comments may be git's or a person's
	}
	return lock.Save(p.lock)
}

func sameLock(a, b *lockfile.Lock) bool {
	return a != nil && b != nil && string(a.Encode()) == string(b.Encode())
}

// sweep removes what processes that were killed left behind.
func (p *Project) sweep(dirs []string) {
	p.engine.Sweep(dirs...)
	var d disk.Disk
	_, _ = d.SweepFile(p.lock) // the next one tries again
	_, _ = d.SweepFile(p.manifest)
}
