package project

import (
	"context"
	"errors"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// Edit changes the manifest's text, locks what it then says and installs it.
// The manifest is written together with the lock: where nothing satisfies it,
// nothing is changed, which a *NotEditedError says. change may be called more than
// once. Errors: change's, and Sync's.
func (p *Project) Edit(ctx context.Context, change func([]byte) ([]byte, error), o SyncOptions) (*SyncReport, error) {
	report, err := p.run(ctx, change, p.keepOrResolve(false, false), signerCheck{}, o)
	if report == nil || !report.Saved {
		err = notEdited(err)
	}
	return report, err
}

// EditLock is Edit without installing.
func (p *Project) EditLock(ctx context.Context, change func([]byte) ([]byte, error), o LockOptions) (*LockReport, error) {
	report, err := p.relock(ctx, change, p.keepOrResolve(false, false), signerCheck{}, o)
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

// DownloadError is a failed Download: of a driver by its name, without a project.
type DownloadError struct {
	Name string
	Err  error
}

func (e *DownloadError) Error() string    { return e.Err.Error() }
func (e *DownloadError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *DownloadError) Unwrap() error    { return e.Err }

// NotEditedError says why an edit of the manifest was not made: manifest, lock
// and drivers are as they were.
type NotEditedError struct{ Err error }

func (e *NotEditedError) Error() string    { return e.Err.Error() }
func (e *NotEditedError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *NotEditedError) Unwrap() error    { return e.Err }

// wrapEach wraps an error, or each of those that it joins.
func wrapEach(err error, wrap func(error) error) error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return wrap(err)
	}
	var each []error
	for _, err := range joined.Unwrap() {
		each = append(each, wrapEach(err, wrap))
	}
	return errors.Join(each...)
}

func notEdited(err error) error {
	return wrapEach(err, func(err error) error { return &NotEditedError{err} })
}
