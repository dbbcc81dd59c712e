package resolve

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pubgrub"
)

// attempt is one question to the solver: what it may change, and which rules
// are left out to see whether it would then succeed. It is the solver's
// Source.
type attempt struct {
	*resolver
	fixed      map[string]bool   // plugins that have their locked version and no other
	decideLast map[string]bool   // plugins that were fixed and now take what the others leave
	precise    map[string]string // plugins that have this version and no other
	relaxed    string            // a plugin whose constraint does not count; artifact.Host for the host
	stated     map[string]bool   // plugins that are required and state no version; filled in by solving
}

// solve looks for versions, and gives up as few of the locked ones as it can:
// only those that the proof of a failure speaks of are freed, and those that
// only others require and that keep something newer out, so that the rest cost
// no request. Errors: *pubgrub.Failure, the Catalog's.
func (a *attempt) solve(ctx context.Context) (map[string]string, error) {
	a.stated, a.decideLast = map[string]bool{}, map[string]bool{}
	for {
		solution, err := pubgrub.Solve(ctx, a, a.root())
		var failure *pubgrub.Failure
		freed := false
		if !errors.As(err, &failure) {
			delete(solution, artifact.Host)
			for _, name := range a.blockers(solution) {
				freed = true
				delete(a.fixed, name)
				a.decideLast[name] = true
			}
			if !freed {
				return solution, err
			}
			if err := a.prefetch(ctx); err != nil {
				return nil, err
			}
			continue
		}
		for _, name := range failure.Packages() {
			if a.fixed[name] && !a.plugin(name).moved {
				freed = true
				delete(a.fixed, name)
			}
		}
		if !freed {
			return nil, failure
		}
		if err := a.prefetch(ctx); err != nil {
			return nil, err
		}
	}
}

// root is what the manifest wants.
func (a *attempt) root() pubgrub.Root {
	m := a.o.Manifest
	root := pubgrub.Root{Name: "the manifest"}
	if a.hasHost() {
		root.Depends = append(root.Depends, pubgrub.Dependency{Package: artifact.Host, Where: where(m.SchemaHeroPos)})
	}
	for _, entry := range m.Plugins {
		p := a.plugin(entry.Name)
		d := pubgrub.Dependency{Package: p.name, Text: p.wants(), Where: where(entry.Pos)}
		if p.constraint != nil {
			d.Admits = func(text string) bool { return a.admits(p, p.version(text)) }
		}
		root.Depends = append(root.Depends, d)
		if precise, ok := a.precise[p.name]; ok {
			root.Depends = append(root.Depends, pubgrub.Dependency{
				Package: p.name, Text: precise, Where: "asked for",
				Admits: func(v string) bool { return v == precise },
			})
		}
	}
	return root
}

func (a *attempt) hasHost() bool { return a.o.Manifest.SchemaHero != nil && a.relaxed != artifact.Host }

// Versions implements pubgrub.Source.
func (a *attempt) Versions(ctx context.Context, name string) (pubgrub.Listing, error) {
	if name == artifact.Host {
		m := a.o.Manifest
		host := m.SchemaHero.String()
		return pubgrub.Listing{Versions: []string{host}, Note: "schemahero is " + host + at(m.SchemaHeroPos)}, nil
	}
	p := a.plugin(name)
	if a.fixed[name] {
		one := []string{p.lockedID()}
		return pubgrub.Listing{Versions: one, Preferred: one}, nil
	}
	err := a.list(ctx, p)
	var none *NoRepositoryError
	if errors.As(err, &none) && !p.listed && !a.canFallBack(p) {
		return pubgrub.Listing{Note: name + " has " + none.reasons()}, nil
	}
	if err != nil && (none == nil || !a.canFallBack(p)) {
		return pubgrub.Listing{}, err
	}
	var l pubgrub.Listing
	precise, narrowed := a.precise[name]
	for _, id := range a.ids(p) {
		if !narrowed || p.listed || id == precise {
			l.Versions = append(l.Versions, id)
		}
	}
	if id := a.preferred(p); id != "" {
		l.Preferred, l.DecideLast = []string{id}, a.decideLast[name]
	}
	return l, nil
}

// Release implements pubgrub.Source.
func (a *attempt) Release(ctx context.Context, name, id string) (pubgrub.Release, error) {
	if name == artifact.Host {
		return pubgrub.Release{}, nil
	}
	p := a.plugin(name)
	v := p.byID[id]
	if v != nil && !a.fixed[name] && !(a.prefersLocked(p) && id == p.lockedID()) {
		if err := a.read(ctx, p, v); err != nil {
			return pubgrub.Release{}, err
		}
	}
	if a.isLockedEntry(p, id) {
		return pubgrub.Release{Depends: a.depends(p.locked.Requires)}, nil
	}
	if v.reason != nil {
		return pubgrub.Release{Unusable: v.reason.text}, nil
	}
	return pubgrub.Release{Depends: a.depends(v.release.Requires)}, nil
}

// depends returns what a release requires, sorted by name.
func (a *attempt) depends(requires map[string]string) []pubgrub.Dependency {
	var out []pubgrub.Dependency
	for _, name := range slices.Sorted(maps.Keys(requires)) {
		text := requires[name]
		if name == artifact.Host {
			if a.hasHost() {
				host := a.o.Manifest.SchemaHero
				out = append(out, pubgrub.Dependency{Package: name, Text: text, Admits: func(string) bool { return hostMeets(host, text) }})
			}
			continue
		}
		p := a.plugin(name)
		constraint := parseConstraint(text, p.entry.Prerelease)
		out = append(out, pubgrub.Dependency{Package: name, Text: text, Admits: func(v string) bool {
			if s := p.version(v); s != nil {
				return constraint != nil && constraint.Check(s)
			}
			a.stated[name] = true // see meets
			return constraint != nil
		}})
	}
	return out
}

// version returns the version that a text of p's listing stands for, nil for a
// release that states none.
func (p *plugin) version(id string) *semver.Version {
	if v := p.byID[id]; v != nil {
		return v.semver
	}
	if p.locked == nil || id != p.lockedID() {
		return nil
	}
	v, err := semver.StrictNewVersion(p.locked.Version)
	if err != nil {
		return nil
	}
	return v
}

// lockedID is what stands for the locked version in p's listing.
func (p *plugin) lockedID() string {
	return versionID(p.locked.Version, p.locked.Tag, p.locked.Digest)
}
