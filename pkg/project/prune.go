package project

import (
	"context"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// Prune removes what no lock wants any more, or with dryRun says what would go.
// A lock that cannot be read ends it: what it wants is not known. Errors: those
// of install.Hold.Prune, with what could be removed all the same.
func (p *Project) Prune(ctx context.Context, o install.PruneOptions, dryRun bool) (install.Pruned, error) {
	if _, err := p.ReadLock(); err != nil {
		return install.Pruned{}, err
	}
	if dryRun {
		return p.installer.Prunable(ctx, o)
	}
	hold, err := p.installer.Lock(ctx)
	if err != nil {
		return install.Pruned{}, err
	}
	defer hold.Unlock()
	return hold.Prune(ctx, o)
}
