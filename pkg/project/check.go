package project

import (
	"context"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// CheckReport is how lock and machine stand.
type CheckReport struct {
	Lock  *lockfile.Lock
	Stale *StaleError      // nil if the lock is current
	Items []install.Status // sorted by folder and name; none without a lock
}

// Drift reports whether anything differs from what it should be.
func (r *CheckReport) Drift() bool {
	for _, it := range r.Items {
		if it.State != install.OK {
			return true
		}
	}
	return r.Stale != nil
}

// Check reports what Sync would find, writing nothing and asking no network.
func (p *Project) Check(ctx context.Context, o SyncOptions) (*CheckReport, error) {
	return p.check(ctx, o, p.installer.Inspect)
}

// Verify is Check with every installed file hashed; what a receipt wrongly
// vouched for is remembered, so that the next Sync repairs it.
func (p *Project) Verify(ctx context.Context, o SyncOptions) (*CheckReport, error) {
	return p.check(ctx, o, p.installer.Verify)
}

func (p *Project) check(ctx context.Context, o SyncOptions, look func(context.Context, []install.Item) ([]install.Status, error)) (*CheckReport, error) {
	in, err := p.load(nil, o.Frozen)
	if err != nil {
		return nil, err
	}
	if p.given != nil {
		in.lock = p.given
	}
	report := &CheckReport{Lock: in.lock, Stale: p.stale(in, o.Frozen)}
	if in.lock == nil {
		return report, nil
	}
	overridden, err := p.overridden(in.lock, o)
	if err != nil {
		return nil, err
	}
	items, _, err := p.items(in, in.lock, overridden, o)
	if err != nil {
		return nil, err
	}
	if report.Items, err = look(ctx, items); err != nil {
		return report, err
	}
	for _, over := range overridden {
		places, err := p.standing(in, in.lock, over)
		if err != nil {
			return report, err
		}
		report.Items = append(report.Items, places...)
	}
	return report, nil
}

// Shadow marks what the host would not load because it finds another file of
// that name first, in the order of dirs (see install.SearchPath).
func Shadow(items []install.Status, dirs []string) []install.Status {
	out := append([]install.Status(nil), items...)
	for i, it := range out {
		if _, by := install.Shadow(it.Item, dirs); by && it.State == install.OK {
			out[i].State = install.Shadowed
		}
	}
	return out
}

// CheckPlatform reports whether every locked driver serves this machine. Errors:
// *PlatformError, joined; those of reading manifest and lock.
func (p *Project) CheckPlatform() error {
	in, err := p.load(nil, true)
	if err != nil || in.lock == nil {
		return err
	}
	_, _, err = p.items(in, in.lock, nil, SyncOptions{})
	return err
}
