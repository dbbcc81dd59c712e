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
)

// transition is one try to bring a machine from what it has to what a lock
// wants.
type transition struct {
	p      *Project
	in     *inputs
	lock   *lockfile.Lock
	o      SyncOptions
	report *SyncReport

	dirs      []string // where files go
	elsewhere bool     // they are not where the manifest says, or the home
	items     []install.Item
	work      []install.Status // the items as they stand
	failed    error            // with KeepGoing: what cannot be done, while the rest is
}

// errAgain says that what a try was built on has changed under it.
var errAgain = errors.New("manifest, lock or store are changed by somebody else again and again")

// plan finds out what is to be done.
func (t *transition) plan(ctx context.Context) (err error) {
	t.items, t.dirs, err = t.p.items(t.in, t.lock, t.o)
	if err != nil {
		if !t.o.KeepGoing || !errors.As(err, new(*PlatformError)) {
			return err
		}
		t.failed = err
	}
	own, err := t.p.ownDir(t.in) // where it leads out of the project, --dir goes elsewhere all the same
	t.elsewhere = err != nil || len(t.dirs) != 1 || t.dirs[0] != own
	t.work, err = t.p.inspect(ctx, t.items, t.o)
	if err == nil {
		t.report.plan(t.work, t.o.Force)
	}
	return err
}

// settled tells whether there is nothing to do: every file is right and
// claimed, none too many is, and neither manifest nor lock shall change.
func (t *transition) settled() bool {
	if !t.written() {
		return false
	}
	claim := t.claim()
	for _, s := range t.work {
		if !s.Settled(claim) {
			return false
		}
	}
	strays, err := t.p.engine.Strays(t.items, claim)
	return err == nil && !slices.ContainsFunc(strays, func(r install.Receipt) bool { return !t.keeps(r) })
}

// written tells whether manifest and lock already say what they shall.
func (t *transition) written() bool {
	return string(t.in.edited) == string(t.in.onDisk) && sameLock(t.in.lock, t.lock) && !t.in.merged
}

func (t *transition) claim() install.Claim {
	if t.elsewhere {
		return install.ElsewhereClaim(t.p.lock)
	}
	return install.LockClaim(t.p.lock)
}

// foresee fills in what a dry run would prune.
func (t *transition) foresee(ctx context.Context) (err error) {
	if t.o.Prune {
		placing := install.PlaceOptions{Claim: t.claim(), Keep: t.keeps}
		t.report.Pruned, err = t.p.engine.PrunableAfter(ctx, t.lock, t.items, placing, install.PruneOptions{})
	}
	return err
}

// keeps tells whether the lock's claim stays on a file that is not among the
// items: one that an earlier sync put into another folder that was named for
// once. Of the lock's own place there is one, and what was put elsewhere when
// the manifest said so is no longer wanted.
func (t *transition) keeps(r install.Receipt) bool {
	return t.elsewhere && !slices.Contains(t.dirs, filepath.Dir(r.Path))
}

// apply fetches, saves the lock and places. Errors: errAgain where manifest,
// lock or store were changed by somebody else meanwhile.
func (t *transition) apply(ctx context.Context) error {
	engine := t.p.engine
	if err := engine.CheckPlace(t.work, t.o.Force); err != nil {
		if !t.o.KeepGoing {
			return err
		}
	}
	// Offline a failure costs no time, and all that is missing is to be listed.
	staged := engine.Stage(ctx, t.work, install.StageOptions{Refetch: t.o.Refetch, KeepGoing: t.o.KeepGoing || t.p.o.Offline})
	if staged != nil && !t.o.KeepGoing {
		return staged
	}
	hold, err := engine.Lock(ctx)
	if err != nil {
		if noHome(err) && t.right() {
			return t.keep()
		}
		return err
	}
	defer hold.Unlock()
	if !t.p.unchanged(t.in) {
		return errAgain
	}
	placed, err := hold.Place(ctx, t.items, install.PlaceOptions{
		Claim: t.claim(), Force: t.o.Force, KeepGoing: t.o.KeepGoing, Again: t.o.Refetch, Probe: t.o.Probe, Keep: t.keeps, Ready: t.save,
	})
	if noHome(err) && t.right() {
		return t.keep()
	}
	t.report.placed(placed)
	if err := t.placeError(staged, err); err != nil {
		return err
	}
	if t.o.Prune {
		t.report.Pruned, err = hold.Prune(ctx, install.PruneOptions{})
	}
	return errors.Join(t.failed, err)
}

// save writes manifest and lock, once nothing more stands in the way of what
// they say.
func (t *transition) save() error {
	err := t.p.save(t.in, t.lock)
	t.report.Saved = err == nil
	return err
}

// right tells whether every file is as it should be, recorded or not.
func (t *transition) right() bool {
	return t.written() && !slices.ContainsFunc(t.work, func(s install.Status) bool { return !s.Startable() })
}

// keep is for a read-only image: only records could not be written.
func (t *transition) keep() error {
	for i := range t.report.Items {
		t.report.Items[i].Action = install.Kept
	}
	return t.failed
}

// placeError joins what Stage and Place said. A layer that is missing from the
// store is told once, by Stage; where Stage had it, somebody else pruned it
// since.
func (t *transition) placeError(staged, placed error) error {
	if placed == nil {
		return errors.Join(t.failed, staged)
	}
	failures := install.Failures(placed)
	if len(failures) == 0 {
		return errors.Join(t.failed, staged, placed)
	}
	out := []error{t.failed, staged}
	for _, f := range failures {
		if !errors.As(f.Err, new(*install.UnstagedError)) {
			out = append(out, f)
		} else if staged == nil {
			return errAgain
		}
	}
	return errors.Join(out...)
}

// noHome reports whether a failure is that the home takes no files, or that
// there is none.
func noHome(err error) bool {
	for _, is := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.ENOTDIR} {
		if errors.Is(err, is) {
			return true
		}
	}
	return errors.As(err, new(*install.NoHomeError)) || errors.As(err, new(*disk.LinkError))
}
