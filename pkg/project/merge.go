package project

import (
	"context"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// mergeConflict goes on from a lock that git left with conflict markers. What
// both sides changed is missing from the merged lock, so that it is resolved
// again.
func (p *Project) mergeConflict(in *inputs) (*inputs, error) {
	m, err := lockfile.MergeConflict(p.lock, in.lockData)
	if err != nil {
		return nil, err
	}
	in.lock, in.before, in.merged = m.Lock, m.Ours, true
	return in, nil
}

// MergeLock is git's merge driver for locks: it merges the files base, ours and
// theirs driver by driver and writes the result to ours. What both sides
// changed is resolved again by the project's manifest; everything else is kept
// whatever that manifest says, since git may not have merged it yet: a sync holds
// it against the trust rules, and only that a signature which ours had is lost,
// or becomes another's, is an error at once. Errors: lockfile.MergeFiles's,
// and Lock's if something is to be resolved or verified.
func (p *Project) MergeLock(ctx context.Context, base, ours, theirs string) (*LockReport, error) {
	merged, err := lockfile.MergeFiles(base, ours, theirs)
	if err != nil {
		return nil, err
	}
	in := &inputs{lock: merged.Lock, before: merged.Ours, merged: true}
	if in.manifest, err = p.Manifest(); err != nil {
		if len(merged.Conflicts) > 0 {
			return nil, err
		}
		in.manifest = nil // it may be the next that git merges
	}
	result := &resolve.Result{Lock: merged.Lock.Clone()}
	if len(merged.Conflicts) > 0 {
		resolved, err := p.resolve(ctx, in, resolve.Options{})
		if err != nil {
			return nil, err
		}
		for _, name := range merged.Conflicts {
			if entry, ok := resolved.Lock.Plugin(name); ok {
				result.Lock.Plugins = append(result.Lock.Plugins, *entry)
			}
		}
		result.Lock.Sort()
		result.Notes, result.Skipped, result.Warnings = resolved.Notes, resolved.Skipped, resolved.Warnings
	}
	resolved := append([]string{}, merged.Conflicts...) // never nil
	if _, err := p.checkSigners(ctx, result, signerCheck{in: in, onlyChanged: true, conflicts: resolved}); err != nil {
		return nil, err
	}
	report := newLockReport(in, result, nil)
	return &report, result.Lock.Save(ours)
}
