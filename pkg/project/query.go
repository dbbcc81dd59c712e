package project

import (
	"context"
	"path/filepath"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// query is what the questions about a project's versions begin with.
func (p *Project) query() (resolve.Options, error) {
	in, err := p.load(nil, false)
	if err != nil {
		return resolve.Options{}, err
	}
	return resolve.Options{Manifest: in.manifest, Locked: in.lock, Override: p.o.Override, Now: p.o.Now()}, nil
}

// Outdated compares what is locked with what there is. Errors: those of Lock.
func (p *Project) Outdated(ctx context.Context) ([]resolve.Behind, error) {
	o, err := p.query()
	if err != nil {
		return nil, err
	}
	return resolve.Outdated(ctx, p.under(o.Manifest), o)
}

// Instead returns what there is in place of a locked version; see resolve.Instead.
func (p *Project) Instead(ctx context.Context, name string) (version string, newer bool, err error) {
	o, err := p.query()
	if err != nil {
		return "", false, err
	}
	return resolve.Instead(ctx, p.under(o.Manifest), o, name)
}

// Explain reports what became of every tag of a driver, and why. Errors:
// *resolve.UnknownPluginError, those of Lock.
func (p *Project) Explain(ctx context.Context, name string) (*resolve.Explanation, error) {
	o, err := p.query()
	if err != nil {
		return nil, err
	}
	return resolve.Explain(ctx, p.under(o.Manifest), o, name)
}

// Versions returns what there is of a driver, newest first, at most limit where
// that is positive. Errors: *resolve.NoRepositoryError, the Registry's.
func (p *Project) Versions(ctx context.Context, name string, limit int) (*resolve.VersionList, error) {
	o, err := p.query()
	if err != nil {
		return nil, err
	}
	return resolve.Versions(ctx, p.under(o.Manifest), o, name, limit)
}

// Versions is Project.Versions if there is no project: the built-in places
// are looked into, or what Options.Override names.
func Versions(ctx context.Context, o Options, name string, limit int) (*resolve.VersionList, error) {
	if err := artifact.CheckName(name); err != nil {
		return nil, err
	}
	p := Open(filepath.Join(o.Home, ManifestName), o)
	m, err := manifest.Parse(p.manifest, nil)
	if err != nil {
		return nil, err
	}
	return resolve.Versions(ctx, p.under(m), resolve.Options{Manifest: m, Override: o.Override, Now: p.o.Now()}, name, limit)
}

// Tree returns the locked drivers of the manifest, and what each requires.
// Errors: *StaleError without a lock.
func (p *Project) Tree() ([]resolve.Node, error) {
	o, err := p.query()
	if err != nil {
		return nil, err
	}
	if o.Locked == nil {
		return nil, &StaleError{File: p.lock, Missing: true}
	}
	return resolve.Tree(o.Manifest, o.Locked), nil
}
