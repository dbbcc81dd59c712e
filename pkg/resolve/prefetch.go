package resolve

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// prefetch asks for everything that the solver is sure to ask for, of all
// plugins at once: the tags, and the newest release that could be taken. What
// that one requires is asked for in the same way. Errors: *NoVersionError, the
// Catalog's.
func (a *attempt) prefetch(ctx context.Context) error {
	f := fetching{attempt: a, seen: map[string]bool{}}
	plugins := a.o.Manifest.Plugins
	errs := make([]error, len(plugins))
	for _, entry := range plugins {
		f.seen[entry.Name] = true
	}
	for i, entry := range plugins {
		p := a.plugin(entry.Name)
		f.wait.Go(func() { errs[i] = f.fetch(ctx, p, nil) })
	}
	f.wait.Wait()
	return parallel.Join(errs)
}

// fetching is one round of prefetch.
type fetching struct {
	*attempt
	wait sync.WaitGroup
	mu   sync.Mutex
	seen map[string]bool
}

// fetch fetches what is to be known of one plugin; required is what another
// plugin requires of it, nil if the manifest lists it.
func (f *fetching) fetch(ctx context.Context, p *plugin, required *artifact.Constraint) error {
	if f.fixed[p.name] {
		f.required(ctx, p.locked.Requires)
		return nil
	}
	if err := f.list(ctx, p); err != nil {
		if errors.As(err, new(*NoRepositoryError)) && f.canFallBack(p) {
			f.required(ctx, p.locked.Requires)
			return nil
		}
		return err
	}
	if p.listed {
		if err := f.checkAdmitted(p); err != nil {
			return err
		}
	}
	if f.prefersLocked(p) && p.byID[p.lockedID()] != nil {
		f.required(ctx, p.locked.Requires)
		return nil
	}
	var some []*version
	preferred := f.preferred(p)
	for _, v := range p.versions {
		switch {
		case p.listed && !f.mayTake(p, v) || required != nil && !required.Check(v.semver):
		case v.id == preferred:
			some = slices.Insert(some, 0, v)
		default:
			some = append(some, v)
		}
	}
	return f.newest(ctx, p, some)
}

// newest reads versions, newest first, until one can be taken. The first is
// read alone, as mostly it will do; then as many at once as were read before,
// or a repository in which nothing fits would be read one answer after the
// other.
func (f *fetching) newest(ctx context.Context, p *plugin, some []*version) error {
	for read := 0; read < len(some); {
		batch := some[read:min(read+min(max(read, 1), maxRequests), len(some))]
		read += len(batch)
		errs := parallel.Errors(ctx, len(batch), 0, func(i int) error { return f.read(ctx, p, batch[i]) })
		for i, v := range batch {
			if errs[i] != nil {
				return errs[i]
			}
			if v.reason == nil && f.supports(v.release) {
				f.required(ctx, v.release.Requires)
				return nil
			}
		}
	}
	return nil
}

// admits reports whether the manifest admits a version of a plugin, nil for a
// release that states none.
func (a *attempt) admits(p *plugin, v *semver.Version) bool {
	switch {
	case v == nil || p.entry.Tag != "" || p.entry.Digest != "":
		return true
	case p.constraint == nil || a.relaxed == p.name:
		return v.Prerelease() == "" || p.entry.Prerelease
	}
	return p.constraint.Check(v)
}

// mayTake reports whether a version is admitted, and the one that was asked for
// if one was.
func (a *attempt) mayTake(p *plugin, v *version) bool {
	precise, ok := a.precise[p.name]
	return a.admits(p, v.semver) && (!ok || v.id == precise)
}

// supports reports whether a release goes with the manifest's host.
func (a *attempt) supports(release *artifact.Release) bool {
	return a.relaxed == artifact.Host || a.hostSupports(release)
}

// required fetches the plugins that a release requires and that nothing else
// asked for. Their errors are returned if the solver comes to ask for them.
func (f *fetching) required(ctx context.Context, requires map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, text := range requires {
		if name == artifact.Host || f.seen[name] {
			continue
		}
		f.seen[name] = true
		p := f.plugin(name)
		f.wait.Go(func() { _ = f.fetch(ctx, p, parseConstraint(text, p.entry.Prerelease)) })
	}
}

// checkAdmitted returns a *NoVersionError where the constraint, or the version that
// was asked for, admits nothing that there is.
func (a *attempt) checkAdmitted(p *plugin) error {
	there := a.ids(p)
	if !slices.ContainsFunc(there, func(text string) bool { return a.admits(p, p.version(text)) }) {
		return p.noVersion(p.entry.Version)
	}
	precise, ok := a.precise[p.name]
	switch v, widened := p.version(precise), parseConstraint(p.entry.Version, true); {
	case !ok:
		return nil
	case !slices.Contains(there, precise):
		return p.noVersion(precise)
	case v != nil && widened != nil && widened.Check(v) && !a.admits(p, v):
		e := p.noVersion(p.wants())
		e.Precise, e.Prerelease = precise, precise
		e.Passed = []Skipped{{p.name, precise, Prerelease, "is a prerelease, which " + p.wants() + " does not admit"}}
		return e
	}
	return nil
}

// checkPrecise returns a *NoVersionError where a version was asked for that there is
// not, of a plugin that the manifest does not list.
func (a *attempt) checkPrecise(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(a.precise)) {
		p := a.plugin(name)
		if !p.listed && a.list(ctx, p) == nil && !slices.Contains(a.ids(p), a.precise[name]) {
			return p.noVersion(a.precise[name])
		}
	}
	return nil
}

// noVersion tells that a constraint admits none of p's versions.
func (p *plugin) noVersion(constraint string) *NoVersionError {
	e := &NoVersionError{
		Plugin: p.name, Constraint: constraint, Pos: p.entry.Pos,
		Repository: p.repository, Available: len(p.versions),
	}
	var stable, all []*semver.Version
	widened := parseConstraint(constraint, true)
	for _, v := range p.versions {
		if v.semver == nil {
			continue
		}
		all = append(all, v.semver)
		if v.semver.Prerelease() == "" {
			stable = append(stable, v.semver)
		} else if e.Prerelease == "" && widened != nil && widened.Check(v.semver) {
			e.Prerelease = v.id
		}
	}
	for _, some := range [][]*semver.Version{stable, all} {
		if v := nearest(some, constraint); v != nil && e.Newest == "" {
			e.Newest, e.Nearest = some[0].String(), v.String()
		}
	}
	if e.Newest == "" && len(all) > 0 {
		e.Newest = all[0].String()
	}
	if len(all) > 0 && all[0].String() != e.Newest {
		e.Unstable = all[0].String()
	}
	return e
}
