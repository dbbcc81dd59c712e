package project

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// Overridden is a locked driver in whose place another one stands.
type Overridden struct {
	Name string
	By   string // absolute path
}

// OverriddenError says that a driver under development would stand in the place of a
// locked one where only what is locked will do.
type OverriddenError struct {
	Overridden
	CI bool // because this is a CI job; else because it was asked for
}

func (e *OverriddenError) Error() string {
	why := "only what is locked is asked for"
	if e.CI {
		why = "CI is set"
	}
	return fmt.Sprintf("%s: is overridden by %s on this machine, and %s", e.Name, e.By, why)
}

// Kind is fault.Stale: what is installed is not what is locked.
func (e *OverriddenError) Kind() fault.Kind { return fault.Stale }

// overridden returns which entries of a lock are overridden where a sync installs
// them: on this machine, in the place where they belong. Errors: *OverriddenError.
func (p *Project) overridden(part *lockfile.Lock, o SyncOptions) (out []Overridden, err error) {
	if len(p.o.Overrides) == 0 || o.Dir != "" || len(o.Platforms) > 0 {
		return nil, nil
	}
	var errs []error
	for _, entry := range part.Plugins {
		by, ok := p.o.Overrides[entry.Name]
		if !ok {
			continue
		}
		if over := (Overridden{entry.Name, by.Path}); p.o.CI || o.Exact {
			errs = append(errs, &OverriddenError{over, p.o.CI})
		} else {
			out = append(out, over)
		}
	}
	return out, errors.Join(errs...)
}

// placeOverrides puts the links to drivers under development in their places.
func (p *Project) placeOverrides(ctx context.Context, in *inputs, part *lockfile.Lock, overridden []Overridden, force bool) error {
	for _, over := range overridden {
		places, err := p.standing(in, part, over)
		if err != nil {
			return err
		}
		if err := p.installer.Override(ctx, over.Name, over.By, pathsOf(places), force); err != nil {
			return err
		}
	}
	return nil
}

// checkOverrides returns why the drivers under development cannot be used.
func (p *Project) checkOverrides(in *inputs, part *lockfile.Lock, overridden []Overridden) error {
	var errs []error
	for _, over := range overridden {
		places, err := p.standing(in, part, over)
		if err != nil {
			return err
		}
		errs = append(errs, p.o.Overrides[over.Name].Check(pathsOf(places)))
	}
	return errors.Join(errs...)
}

// standing returns the files of a locked driver on this machine, in whose places
// another one stands. It is asked for what is overridden only: with --dir the
// manifest's folder may be one that nothing can be installed in.
func (p *Project) standing(in *inputs, part *lockfile.Lock, over Overridden) ([]install.Status, error) {
	dir, err := p.ownDir(in)
	if err != nil {
		return nil, err
	}
	entry, _ := part.Plugin(over.Name)
	locked, _ := entry.Platform(p.o.Platform)
	locked.Platform = p.o.Platform // it may have no release for that
	var out []install.Status
	for _, it := range appendItems(nil, *entry, locked, dir) {
		out = append(out, install.Status{Item: it, State: install.Overridden})
	}
	return out, nil
}

func pathsOf(items []install.Status) (paths []string) {
	for _, it := range items {
		paths = append(paths, it.Path)
	}
	return paths
}

// markOverridden marks where a driver under development stands, be it that the config
// no longer asks for it: the host loads it until the next sync.
func (p *Project) markOverridden(status []install.Status) []install.Status {
	for i, s := range status {
		if _, ok := p.installer.Home().Overridden(s.Path); ok {
			status[i].State = install.Overridden
		}
	}
	return status
}

// without returns a lock without the overridden drivers.
func without(l *lockfile.Lock, overridden []Overridden) *lockfile.Lock {
	if len(overridden) == 0 {
		return l
	}
	return &lockfile.Lock{Plugins: slices.DeleteFunc(slices.Clone(l.Plugins), func(p lockfile.Plugin) bool { return isOverridden(overridden, p.Name) })}
}

func isOverridden(overridden []Overridden, name string) bool {
	return slices.ContainsFunc(overridden, func(o Overridden) bool { return o.Name == name })
}
