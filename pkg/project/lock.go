package project

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// StaleError says that the lock is missing, or how it differs from what the
// manifest asks for.
type StaleError struct {
	File        string
	Missing     bool
	Differences []resolve.Difference
}

func (e *StaleError) Error() string {
	if e.Missing {
		return e.File + ": there is no lock"
	}
	text := []string{fmt.Sprintf("%s: out of date", e.File)}
	for _, d := range e.Differences {
		text = append(text, d.String())
	}
	return strings.Join(text, "\n")
}

func (e *StaleError) Kind() fault.Kind { return fault.Stale }

// Position is the lock: the line that is not there has none.
func (e *StaleError) Position() diag.Position { return diag.Position{File: e.File} }

// LockReport is what became of the lock.
type LockReport struct {
	Lock    *lockfile.Lock
	Changes []lockfile.Change
	Result  *resolve.Result // notes, skipped and moved releases
	Refused []error         // why entries were kept as they are locked: *RefusedError, *SignerError; only of an update
}

func newLockReport(in *inputs, r *resolve.Result, refused []error) LockReport {
	return LockReport{Lock: r.Lock, Changes: lockfile.Diff(in.before, r.Lock), Result: r, Refused: refused}
}

// LockOptions change what Lock does.
type LockOptions struct {
	DryRun bool // change nothing
}

// Lock resolves the manifest to a lock and saves it. A lock that satisfies the
// manifest is kept as it is, without network. One with conflict markers
// is merged, driver by driver, and what both sides changed is resolved again.
// Errors: *diag.Error, *manifest.NotFoundError, lockfile's and resolve's, the
// Registry's, *RefusedError, *SignerError and the Verifier's.
func (p *Project) Lock(ctx context.Context, o LockOptions) (*LockReport, error) {
	return p.relock(ctx, nil, p.keepOrResolveChecked, signerCheck{}, o)
}

// keepOrResolveChecked is keepOrResolve that also tells of tags which moved, if the
// registries are asked anyway. What is locked stays locked whatever they say, so
// that one which cannot be reached is not a failure.
func (p *Project) keepOrResolveChecked(ctx context.Context, in *inputs) (*resolve.Result, error) {
	result, err := p.keepOrResolve(false, false)(ctx, in)
	if err != nil || p.stale(in, false) == nil {
		return result, err
	}
	var kept []lockfile.Plugin
	for _, entry := range result.Lock.Plugins {
		if before, ok := in.lock.Plugin(entry.Name); ok && before.Digest == entry.Digest {
			kept = append(kept, entry)
		}
	}
	result.Moved, _ = resolve.Check(ctx, p.under(in.manifest), kept)
	return result, nil
}

// relock is run without its second half: nothing is installed.
func (p *Project) relock(ctx context.Context, e edit, decide decideLock, v signerCheck, o LockOptions) (*LockReport, error) {
	for try := 1; ; try++ {
		in, err := p.load(e, false)
		if errors.As(err, new(*lockfile.ConflictError)) {
			in, err = p.mergeConflict(in)
		}
		if err != nil {
			return nil, err
		}
		result, err := decide(ctx, in)
		if err != nil {
			return nil, err
		}
		v.in, v.onlyChanged = in, true
		refused, err := p.checkSigners(ctx, result, v)
		if err != nil {
			return nil, err
		}
		report := newLockReport(in, result, refused)
		if o.DryRun {
			return &report, nil
		}
		unlock := func() error { return nil }
		switch hold, err := p.installer.Lock(ctx); {
		case err == nil:
			unlock = hold.Unlock
		case !noHome(err): // the home has nothing to do with the lock
			return nil, err
		}
		if !p.unchanged(in) {
			if err := unlock(); err != nil {
				return nil, err
			}
			if try == maxTries {
				return nil, errChanged
			}
			continue
		}
		return &report, errors.Join(p.save(in, result.Lock), unlock())
	}
}

// keepOrResolve keeps a lock that satisfies the manifest, and resolves otherwise.
func (p *Project) keepOrResolve(locked, frozen bool) decideLock {
	return func(ctx context.Context, in *inputs) (*resolve.Result, error) {
		if p.given != nil {
			return &resolve.Result{Lock: p.given.Clone()}, nil
		}
		stale := p.stale(in, frozen)
		switch {
		case stale == nil:
			return &resolve.Result{Lock: in.lock.Clone()}, nil
		case locked || frozen:
			return nil, stale
		}
		return p.resolve(ctx, in, resolve.Options{})
	}
}

// stale returns nil if the lock satisfies the manifest. It asks no network.
func (p *Project) stale(in *inputs, frozen bool) *StaleError {
	if in.lock == nil {
		return &StaleError{File: p.lock, Missing: true}
	}
	if frozen {
		return nil
	}
	if d := resolve.Stale(in.manifest, in.lock, p.o.Override); len(d) > 0 {
		return &StaleError{File: p.lock, Differences: d}
	}
	return nil
}

// resolve asks the registries for what the manifest wants.
func (p *Project) resolve(ctx context.Context, in *inputs, o resolve.Options) (*resolve.Result, error) {
	o.Manifest, o.Locked, o.Override, o.Now = in.manifest, in.lock, p.o.Override, p.o.Now()
	return resolve.Resolve(ctx, p.under(in.manifest), o)
}

// CheckLock returns nil if the lock satisfies the manifest, else why not:
// *StaleError, or what is wrong with the files. It asks no network.
func (p *Project) CheckLock() error {
	in, err := p.load(nil, false)
	if err != nil {
		return err
	}
	if stale := p.stale(in, false); stale != nil {
		return stale
	}
	return nil
}
