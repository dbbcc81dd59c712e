package project

import (
	"context"
	"errors"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// Edit changes the manifest's text, locks what it then says and installs it.
// The manifest is written together with the lock: where nothing satisfies it,
// nothing is changed, which a *NotEditedError says. change may be called more than
// once. Errors: change's, and Sync's.
func (p *Project) Edit(ctx context.Context, change func([]byte) ([]byte, error), o SyncOptions) (*SyncReport, error) {
	report, err := p.run(ctx, change, p.settle(false, false), vetting{}, o)
	if report == nil || !report.Saved {
		err = notEdited(err)
	}
	return report, err
}

// EditLock is Edit without installing.
func (p *Project) EditLock(ctx context.Context, change func([]byte) ([]byte, error), o LockOptions) (*LockReport, error) {
	report, err := p.relock(ctx, change, p.settle(false, false), vetting{}, o)
	return report, notEdited(err)
}

// with returns the manifest as an edit would make it.
func (p *Project) with(e manifest.Edit) (*inputs, error) {
	return p.load(func(data []byte) ([]byte, error) { return manifest.Set(p.manifest, data, e) }, false)
}

// Newest returns the constraint that admits the newest version of a driver and
// the compatible ones after it. The newest is the one that the project can take:
// stable, for all its platforms, and going with its other drivers. e says where
// the driver is; its version does not count.
func (p *Project) Newest(ctx context.Context, e manifest.Edit) (string, error) {
	e.Version = "*"
	in, err := p.with(e)
	if err != nil {
		return "", err
	}
	result, err := p.resolve(ctx, in, resolve.Options{Upgrade: []string{e.Name}})
	if err != nil {
		return "", notEdited(err)
	}
	entry, _ := result.Lock.Plugin(e.Name)
	version, err := semver.StrictNewVersion(entry.Version)
	if err != nil {
		return "", err
	}
	return resolve.Caret(version), nil
}

// Candidates returns the versions of a driver by its tags alone, newest first.
// e says where the driver is.
func (p *Project) Candidates(ctx context.Context, e manifest.Edit) ([]artifact.Candidate, error) {
	e.Version = "*"
	in, err := p.with(e)
	if err != nil {
		return nil, err
	}
	for _, l := range in.manifest.Locations(e.Name, p.o.Override) {
		tags, err := p.catalog.Tags(ctx, l.Repository)
		if errors.Is(err, artifact.ErrNotFound) || l.BuiltIn && errors.Is(err, artifact.ErrDenied) {
			continue
		}
		return artifact.Candidates(tags), err
	}
	return nil, nil
}
