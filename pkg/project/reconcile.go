package project

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// reconciler is one try to bring a machine from what it has to what a lock
// wants.
type reconciler struct {
	p          *Project
	in         *inputs
	lock       *lockfile.Lock
	overridden []Overridden
	o          SyncOptions
	report     *SyncReport

	dirs      []string // where files go
	elsewhere bool     // they are not where the manifest says, or the home
	items     []install.Item
	work      []install.Status // the items as they stand
	failed    error            // with KeepGoing: what cannot be done, while the rest is
	staged    error            // what Stage said, likewise
}

// errChanged says that what a try was built on has changed under it.
var errChanged = errors.New("manifest, lock or store are changed by somebody else again and again")

// plan finds out what is to be done.
func (r *reconciler) plan(ctx context.Context) (err error) {
	r.items, r.dirs, err = r.p.items(r.in, r.lock, r.overridden, r.o)
	if err != nil {
		if !r.o.KeepGoing || !errors.As(err, new(*PlatformError)) {
			return err
		}
		r.failed = err
	}
	own, err := r.p.ownDir(r.in) // where it leads out of the project, --dir goes elsewhere all the same
	r.elsewhere = err != nil || len(r.dirs) != 1 || r.dirs[0] != own
	r.work, err = r.p.inspect(ctx, r.items, r.o)
	if err == nil {
		r.report.plan(r.work, r.o.Force)
	}
	return err
}

// upToDate reports whether there is nothing to do: every file is right and
// claimed, none too many is, and neither manifest nor lock shall change.
func (r *reconciler) upToDate() bool {
	if !r.filesCurrent() {
		return false
	}
	claim := r.claim()
	for _, s := range r.work {
		if !s.Settled(claim) {
			return false
		}
	}
	strays, err := r.p.installer.Strays(r.items, claim)
	return err == nil && !slices.ContainsFunc(strays, func(f install.Receipt) bool { return !r.retainsClaim(f) })
}

// filesCurrent reports whether manifest and lock already say what they shall.
func (r *reconciler) filesCurrent() bool {
	return string(r.in.edited) == string(r.in.onDisk) && sameLock(r.in.lock, r.lock) && !r.in.merged
}

func (r *reconciler) claim() install.Claim {
	if r.elsewhere {
		return install.ElsewhereClaim(r.p.lock)
	}
	return install.LockClaim(r.p.lock)
}

// previewPrune fills in what a dry run would prune.
func (r *reconciler) previewPrune(ctx context.Context) (err error) {
	if r.o.Prune {
		placing := install.PlaceOptions{Claim: r.claim(), Keep: r.retainsClaim}
		r.report.Pruned, err = r.p.installer.PrunableAfter(ctx, r.lock, r.items, placing, install.PruneOptions{})
	}
	return err
}

// retainsClaim reports whether the lock's claim stays on a file that is not among
// the items: one that an earlier sync put into another folder, named with --dir.
// The lock has one place of its own, and what was put elsewhere when the manifest
// said so is no longer wanted. Of a sync of some drivers the others keep theirs,
// and so do those that are overridden.
func (r *reconciler) retainsClaim(f install.Receipt) bool {
	if len(r.o.Only) > 0 && !slices.ContainsFunc(r.items, func(it install.Item) bool { return it.Plugin == f.Plugin }) {
		return true
	}
	if isOverridden(r.overridden, f.Plugin) {
		return true
	}
	return r.elsewhere && !slices.Contains(r.dirs, filepath.Dir(f.Path))
}

// stage checks that the files can be placed and fetches what is missing in the
// store. With KeepGoing a failure is for place to tell.
func (r *reconciler) stage(ctx context.Context) error {
	installer := r.p.installer
	if err := installer.CheckPlace(r.work, r.o.Force); err != nil && !r.o.KeepGoing {
		return err
	}
	// Offline a failure costs no time, and all that is missing is to be listed.
	r.staged = installer.Stage(ctx, r.work, install.StageOptions{Refetch: r.o.Refetch, KeepGoing: r.o.KeepGoing || r.p.o.Offline})
	if r.o.KeepGoing {
		return nil
	}
	return r.staged
}

// place saves the lock and places what is staged. Errors: errChanged if somebody
// else changed manifest, lock or store meanwhile.
func (r *reconciler) place(ctx context.Context) error {
	hold, err := r.p.installer.Lock(ctx)
	if err != nil {
		if noHome(err) && r.allStartable() {
			return r.reportUnchanged()
		}
		return err
	}
	defer hold.Unlock()
	if !r.p.unchanged(r.in) {
		return errChanged
	}
	placed, err := hold.Place(ctx, r.items, install.PlaceOptions{
		Claim: r.claim(), Force: r.o.Force, KeepGoing: r.o.KeepGoing, Again: r.o.Refetch, Probe: r.o.Probe, Keep: r.retainsClaim, Ready: r.save,
	})
	if noHome(err) && r.allStartable() {
		return r.reportUnchanged()
	}
	r.report.placed(placed)
	if err := r.placeError(err); err != nil {
		return err
	}
	if r.o.Prune {
		r.report.Pruned, err = hold.Prune(ctx, install.PruneOptions{})
	}
	return errors.Join(r.failed, err)
}

// save writes manifest and lock, once nothing more stands in the way of what
// they say.
func (r *reconciler) save() error {
	err := r.p.save(r.in, r.lock)
	r.report.Saved = err == nil
	return err
}

// allStartable reports whether every file is as it should be, recorded or not.
func (r *reconciler) allStartable() bool {
	return r.filesCurrent() && !slices.ContainsFunc(r.work, func(s install.Status) bool { return !s.Startable() })
}

// reportUnchanged is for a read-only image: only records could not be written.
func (r *reconciler) reportUnchanged() error {
	for i := range r.report.Items {
		r.report.Items[i].Action = install.Kept
	}
	return r.failed
}

// placeError joins what Stage and Place said. A layer that is missing from the
// store is reported once, by Stage; where Stage had it, somebody else pruned it
// since.
func (r *reconciler) placeError(placed error) error {
	if placed == nil {
		return errors.Join(r.failed, r.staged)
	}
	failures := install.Failures(placed)
	if len(failures) == 0 {
		return errors.Join(r.failed, r.staged, placed)
	}
	out := []error{r.failed, r.staged}
	for _, f := range failures {
		if !errors.As(f.Err, new(*install.UnstagedError)) {
			out = append(out, f)
		} else if r.staged == nil {
			return errChanged
		}
	}
	return errors.Join(out...)
}

// noHome reports whether a failure is that the home takes no files, or that
// there is none.
func noHome(err error) bool {
	for _, is := range []syscall.Errno{syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.ENOTDIR} {
		if system.Is(err, is) {
			return true
		}
	}
	return errors.Is(err, fs.ErrPermission) || errors.As(err, new(*install.NoHomeError)) || errors.As(err, new(*disk.LinkError))
}
