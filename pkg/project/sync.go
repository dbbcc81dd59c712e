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
	Only      []string            // these drivers and what they require; the others stay as they are. nil: all
	Exact     bool                // a driver that is overridden on this machine is an *OverriddenError
	Locked    bool                // a missing or stale lock is a *StaleError
	Frozen    bool                // the lock alone decides; a manifest is not needed
	Prune     bool                // afterwards remove what no lock wants
	Force     bool                // overwrite files that were not installed by this home
	KeepGoing bool                // place what can be placed though something failed
	Probe     bool                // start each driver before it is put in place
	Refetch   bool                // fetch every layer again
	DryRun    bool                // change nothing; the report says what would be done
	Platforms []artifact.Platform // nil: this machine's; several go to Dir/OS-ARCH
	Dir       string              // absolute; "" for the manifest's dir, else Home/plugins
}

// SyncReport is what Sync did, or with DryRun would do.
type SyncReport struct {
	LockReport
	Saved      bool             // the lock, and an edited manifest, are as Changes says
	Items      []Synced         // sorted by name
	Overridden []Overridden     // in whose place drivers under development stand
	Standing   []install.Status // these, by name
	Conflicts  []install.Conflict
	Dropped    []install.Receipt // files that this lock no longer wants
	Pruned     install.Pruned
}

// Synced is one executable after a sync.
type Synced struct {
	install.Status                // as it was before; the state is OK if nothing was to do
	Action         install.Action // what was done, or with DryRun would be
}

// Sync makes this machine match the project: the lock if it is current,
// else the newest releases that satisfy the manifest. Errors: those of Lock,
// *PlatformError, *resolve.UnknownPluginError, and of install.Installer (joined *install.ItemErrors).
func (p *Project) Sync(ctx context.Context, o SyncOptions) (*SyncReport, error) {
	return p.run(ctx, nil, p.keepOrResolve(o.Locked, o.Frozen), signerCheck{}, o)
}

// decideLock decides what shall be locked, from the files as they were read.
type decideLock func(ctx context.Context, in *inputs) (*resolve.Result, error)

// run goes from the project's files to installed drivers. A failure before the
// lock is saved changes nothing that a user sees; what happens after it, the
// next run makes good.
func (p *Project) run(ctx context.Context, e edit, decide decideLock, check signerCheck, o SyncOptions) (*SyncReport, error) {
	for try := 1; ; try++ {
		// 1. Load manifest and lock.
		in, err := p.load(e, o.Frozen)
		if err != nil {
			return nil, err
		}
		// 2. Keep the lock if it satisfies the manifest; otherwise resolve.
		result, err := decide(ctx, in)
		if err != nil {
			return nil, err
		}
		part, err := Part(result.Lock, o.Only)
		if err != nil {
			return nil, err
		}
		overridden, err := p.overridden(part, o)
		if err = errors.Join(err, p.checkOverrides(in, part, overridden)); err != nil {
			return nil, err
		}
		// 3. Verify the signatures of each digest that is new to the lock.
		check.in, check.part, check.frozen, check.platforms = in, part, o.Frozen, o.platforms(p.o.Platform)
		refused, err := p.checkSigners(ctx, result, check)
		if err != nil {
			return nil, err
		}
		// 4. Check that every file can be placed, and stage the missing layers.
		r := &reconciler{p: p, in: in, lock: result.Lock, overridden: overridden, o: o, report: &SyncReport{LockReport: newLockReport(in, result, refused)}}
		r.report.Overridden = overridden
		for _, over := range overridden {
			places, err := p.standing(in, part, over)
			if err != nil {
				return nil, err
			}
			r.report.Standing = append(r.report.Standing, places...)
		}
		if err := r.plan(ctx); err != nil {
			return nil, err
		}
		if o.DryRun {
			return r.report, errors.Join(r.failed, p.installer.CheckPlace(r.work, o.Force), r.previewPrune(ctx))
		}
		p.sweep(r.dirs)
		if r.upToDate() && !o.Refetch && !o.Prune {
			return r.report, errors.Join(r.failed, p.placeOverrides(ctx, in, part, overridden, o.Force))
		}
		if err := r.stage(ctx); err != nil {
			return r.report, err
		}
		// 5 and 6. Under the home's lock: start again if manifest or lock changed
		// since 1, else save the lock and place the files.
		err = r.place(ctx)
		if err == nil {
			err = p.placeOverrides(ctx, in, part, overridden, o.Force)
		}
		if !errors.Is(err, errChanged) || try == maxTries {
			return r.report, err // 7. for the caller to show
		}
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
	return a != nil && b != nil && len(lockfile.Diff(a, b)) == 0
}

// sweep removes what processes that were killed left behind.
func (p *Project) sweep(dirs []string) {
	p.installer.Sweep(dirs...)
	var d disk.Disk
	_, _ = d.SweepFile(p.lock) // the next one tries again
	_, _ = d.SweepFile(p.manifest)
}

// plan fills in what a sync would do, so that a dry run can show it and the
// real one has what it did if nothing was to do.
func (r *SyncReport) plan(work []install.Status, force bool) {
	r.Items = make([]Synced, len(work))
	for i, s := range work {
		r.Items[i] = Synced{Status: s, Action: s.Planned()}
		if s.Unjudged && !force {
			r.Items[i].Action = install.Adopted // or else it is in the way
		}
	}
}

// placed replaces the plan by what was done.
func (r *SyncReport) placed(report install.Report) {
	done := map[string]install.Placed{}
	for _, p := range report.Placed {
		done[p.Item.Path] = p
	}
	for i := range r.Items {
		it := &r.Items[i]
		p, ok := done[it.Path]
		if ok {
			it.Action, it.State = p.Action, install.OK
		} else {
			it.Action = ""
		}
	}
	r.Conflicts = report.Conflicts
	r.Dropped = report.Dropped
}

// Merge adds what another sync did.
func (r *SyncReport) Merge(other *SyncReport) {
	if r.Lock == nil {
		r.Lock = &lockfile.Lock{}
	}
	r.Lock.Plugins = append(r.Lock.Plugins, other.Lock.Plugins...)
	r.Changes = append(r.Changes, other.Changes...)
	r.Items = append(r.Items, other.Items...)
	r.Conflicts = append(r.Conflicts, other.Conflicts...)
	r.Dropped = append(r.Dropped, other.Dropped...)
}
