package plugins

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
	in.lock, in.merged = m.Lock, true
	return in, nil
}

// MergeLock is git's merge driver for locks: it merges the files base, ours and
// theirs driver by driver and writes the result to ours. What both sides
// changed is resolved again by the project's manifest; everything else is kept
// whatever that manifest says, since git may not have merged it yet. Errors:
// lockfile.MergeFiles's, and Lock's where something is to be resolved.
func (p *Project) MergeLock(ctx context.Context, base, ours, theirs string) (*LockReport, error) {
	merged, err := lockfile.MergeFiles(base, ours, theirs)
	if err != nil {
		return nil, err
	}
	before, err := lockfile.Load(ours)
	if err != nil {
		return nil, err
	}
	result := &resolve.Result{Lock: merged.Lock.Clone()}
	if len(merged.Conflicts) > 0 {
		in := &inputs{lock: merged.Lock}
		if in.manifest, err = p.Manifest(); err != nil {
			return nil, err
		}
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
		result.Notes, result.Skipped = resolved.Notes, resolved.Skipped
		if _, err := p.verify(ctx, result, vetting{in: &inputs{manifest: in.manifest, lock: before}}); err != nil {
			return nil, err
		}
	}
	report := newLockReport(&inputs{lock: before}, result, nil)
	return &report, result.Lock.Save(ours)
}
