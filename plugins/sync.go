package plugins

import (
	"context"
	"errors"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
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
	return p.run(ctx, nil, p.settle(o.Locked, o.Frozen), o)
}

// settle decides what shall be locked, from the files as they were read.
type settle func(ctx context.Context, in *inputs) (*resolve.Result, error)

// run goes from the project's files to installed drivers. A failure before the
// lock is saved changes nothing that a user sees; what happens after it, the
// next run makes good.
func (p *Project) run(ctx context.Context, e edit, decide settle, o SyncOptions) (*SyncReport, error) {
	for {
		in, err := p.load(e, o.Frozen)
		if err != nil {
			return nil, err
		}
		result, err := decide(ctx, in)
		if err != nil {
			return nil, err
		}
		if err := p.verify(ctx, in.lock, result.Lock); err != nil {
			return nil, err
		}
		report := &SyncReport{LockReport: newLockReport(in, result)}
		items, err := p.items(in, result.Lock, o)
		if err != nil {
			return nil, err
		}
		work, err := p.inspect(ctx, items, o)
		if err != nil {
			return nil, err
		}
		report.plan(work)
		if o.DryRun {
			return report, p.engine.CheckPlace(work, o.Force)
		}
		if report.settled(in, install.LockClaim(p.lock)) && !o.Refetch && !o.Prune && !o.Probe && !p.drops(items, o) {
			p.engine.Sweep(dirs(items)...)
			return report, nil
		}
		again, err := p.apply(ctx, in, result.Lock, items, work, o, report)
		if !again {
			return report, err
		}
	}
}

// apply fetches, saves the lock and places. It returns again where manifest or
// lock were changed by somebody else while the network was asked.
func (p *Project) apply(ctx context.Context, in *inputs, lock *lockfile.Lock, items []install.Item, work []install.Status, o SyncOptions, report *SyncReport) (again bool, err error) {
	p.engine.Sweep(dirs(items)...)
	if err := p.engine.CheckPlace(work, o.Force); err != nil && !o.KeepGoing {
		return false, err
	}
	staged := p.engine.Stage(ctx, work, install.StageOptions{Refetch: o.Refetch, KeepGoing: o.KeepGoing})
	if staged != nil && !o.KeepGoing {
		return false, staged
	}
	hold, err := p.engine.Lock(ctx)
	if err != nil {
		return false, err
	}
	defer hold.Unlock()
	if !p.unchanged(in) {
		return true, nil
	}
	if err := p.save(in, lock); err != nil {
		return false, err
	}
	placed, err := hold.Place(ctx, items, install.PlaceOptions{
		Claim: install.LockClaim(p.lock), Force: o.Force, KeepGoing: o.KeepGoing, Again: o.Refetch, Probe: o.Probe,
		Keep: func(install.Receipt) bool { return !o.whole() },
	})
	report.placed(placed)
	if err := errors.Join(staged, withoutUnstaged(err)); err != nil {
		return false, err
	}
	if o.Prune {
		report.Pruned, err = hold.Prune(ctx, install.PruneOptions{})
	}
	return false, err
}

// whole tells whether a sync with these options places all that its lock wants:
// one for other platforms or another folder leaves alone what the plain sync
// has installed.
func (o SyncOptions) whole() bool { return len(o.Platforms) == 0 && o.Dir == "" }

// withoutUnstaged drops what Place says of layers that Stage could not fetch:
// that is told once, by who tried.
func withoutUnstaged(err error) error {
	var out []error
	for _, f := range install.Failures(err) {
		if !errors.As(f.Err, new(*install.UnstagedError)) {
			out = append(out, f)
		}
	}
	if len(out) == 0 && len(install.Failures(err)) == 0 {
		return err
	}
	return errors.Join(out...)
}

// drops tells whether this lock still claims files that are not among items.
func (p *Project) drops(items []install.Item, o SyncOptions) bool {
	if !o.whole() {
		return false
	}
	receipts, err := p.engine.Receipts()
	if err != nil {
		return true // Place will say what is wrong
	}
	wanted := map[string]bool{}
	for _, it := range items {
		wanted[it.Path] = true
	}
	claim := install.LockClaim(p.lock)
	for _, r := range receipts {
		for _, c := range r.Claims {
			if c == claim && !wanted[r.Path] {
				return true
			}
		}
	}
	return false
}

// save writes what was decided: an edited manifest first, because with it
// alone the lock is stale and the next run heals that.
func (p *Project) save(in *inputs, lock *lockfile.Lock) error {
	if string(in.edited) != string(in.onDisk) {
		if err := writeFile(p.manifest, in.edited); err != nil {
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

// verify asks the trust policy about every entry, and records what it answers.
func (p *Project) verify(ctx context.Context, before, after *lockfile.Lock) error {
	if p.o.Verifier == nil {
		return nil
	}
	return each(ctx, len(after.Plugins), func(ctx context.Context, i int) error {
		entry := &after.Plugins[i]
		previous, _ := before.Plugin(entry.Name)
		signature, err := p.o.Verifier.Verify(ctx, *entry, previous)
		if err == nil {
			entry.Signature = signature
		}
		return err
	})
}
