package project

import (
	"context"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// UpdateOptions say what Update takes.
type UpdateOptions struct {
	Names       []string // nil: all
	Precise     string   // the version to take; needs exactly one name
	AcceptMoved bool     // take what a moved tag names now; needs names

	// AcceptSigner takes what another signer signed than is locked, where the
	// trust rules admit it; needs names.
	AcceptSigner bool
}

// Update takes the newest releases that the manifest admits, and installs them.
// An entry whose tag moved is kept, and reported in Result.Moved; one whose
// successor the trust rules refuse is kept, and reported in Refused. Errors: those
// of Sync, *resolve.UnknownPluginError.
func (p *Project) Update(ctx context.Context, u UpdateOptions, o SyncOptions) (*SyncReport, error) {
	return p.run(ctx, nil, p.resolveUpdate(u), u.signerCheck(), o)
}

// UpdateLock is Update without installing.
func (p *Project) UpdateLock(ctx context.Context, u UpdateOptions, o LockOptions) (*LockReport, error) {
	return p.relock(ctx, nil, p.resolveUpdate(u), u.signerCheck(), o)
}

func (u UpdateOptions) signerCheck() signerCheck {
	v := signerCheck{keepRefused: true}
	if u.AcceptSigner {
		v.acceptNew = u.Names
	}
	return v
}

func (p *Project) resolveUpdate(u UpdateOptions) decideLock {
	o := resolve.Options{UpgradeAll: len(u.Names) == 0, Upgrade: u.Names, CheckMoved: true}
	if u.Precise != "" {
		o.Precise = map[string]string{u.Names[0]: u.Precise}
	}
	if u.AcceptMoved {
		o.AcceptMoved = u.Names
	}
	return func(ctx context.Context, in *inputs) (*resolve.Result, error) {
		for _, name := range u.Names {
			_, listed := in.manifest.Plugin(name)
			_, locked := in.lock.Plugin(name)
			if !listed && !locked {
				return nil, &resolve.UnknownPluginError{Plugin: name}
			}
		}
		return p.resolve(ctx, in, o)
	}
}
