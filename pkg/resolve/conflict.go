package resolve

import (
	"context"
	"maps"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pubgrub"
)

// failed makes the error of a failed attempt: if a plugin cannot be taken
// by itself, that is said and nothing else.
func (a *attempt) failed(ctx context.Context, failure *pubgrub.Failure) error {
	var errs []error
	var plugins []string
	for _, name := range failure.Packages() {
		if name == artifact.Host {
			continue
		}
		plugins = append(plugins, name)
		if p := a.plugin(name); p.listed {
			errs = append(errs, a.noUsableVersion(p))
		}
	}
	if err := parallel.Join(errs); err != nil {
		return err
	}
	return &ConflictError{Proof: failure.Proof(), Plugins: plugins, Suggestions: a.suggest(ctx, plugins)}
}

// noUsableVersion returns a *PlatformError or *NoVersionError where each version that
// the manifest admits was read and cannot be taken, whatever the others are.
func (a *attempt) noUsableVersion(p *plugin) error {
	var passed []*version
	lacksPlatform, precise := true, a.precise[p.name]
	for _, v := range p.versions {
		if !a.mayTake(p, v) {
			continue
		}
		if v.reason == nil {
			return nil
		}
		lacksPlatform = lacksPlatform && v.reason.verdict == Platform
		passed = append(passed, v)
	}
	switch {
	case len(passed) == 0 || a.fixed[p.name] || precise == "" && a.canFallBack(p):
		return nil
	case lacksPlatform:
		return &PlatformError{
			Plugin: p.name, Constraint: p.wants(), Pos: p.entry.Pos, Repository: p.repository,
			Version: passed[0].id, Offered: passed[0].offered,
			Missing: missing(a.o.Manifest.Platforms, passed[0].offered), Tried: len(passed),
		}
	}
	e := p.noVersion(p.wants())
	e.Precise = precise
	e.Malformed = !slices.ContainsFunc(passed, func(v *version) bool { return !v.malformed })
	for _, v := range passed {
		e.Passed = append(e.Passed, Skipped{p.name, v.id, v.reason.verdict, v.reason.detail})
	}
	return e
}

// maxSuggestions is how many constraints are tried to be relaxed; a proof that
// speaks of more plugins is no matter of one constraint.
const maxSuggestions = 10

// suggest returns the changes of one constraint, or of the host's version, with
// which there is a solution, each found by solving again.
func (a *attempt) suggest(ctx context.Context, plugins []string) []Suggestion {
	var out []Suggestion
	for _, name := range plugins[:min(len(plugins), maxSuggestions)] {
		p := a.plugin(name)
		if p.constraint == nil {
			continue
		}
		solution, err := a.relaxing(name).solve(ctx)
		if err != nil {
			continue
		}
		v, err := semver.StrictNewVersion(solution[name])
		if err != nil {
			continue
		}
		out = append(out, Suggestion{Plugin: name, From: p.entry.Version, To: Caret(v), Pos: p.entry.Pos})
	}
	if s, ok := a.suggestHost(ctx); ok {
		out = append(out, s)
	}
	return out
}

// suggestHost looks for a host version that all plugins support which would be
// chosen if the host did not matter.
func (a *attempt) suggestHost(ctx context.Context) (Suggestion, bool) {
	m := a.o.Manifest
	if m.SchemaHero == nil {
		return Suggestion{}, false
	}
	free := a.relaxing(artifact.Host)
	solution, err := free.solve(ctx)
	if err != nil {
		return Suggestion{}, false
	}
	var wants []string
	for name, text := range solution {
		if want := free.requires(free.plugin(name), text)[artifact.Host]; want != "" {
			wants = append(wants, want)
		}
	}
	host := nearestHost(m.SchemaHero, wants)
	if host == nil {
		return Suggestion{}, false
	}
	return Suggestion{Plugin: artifact.Host, From: m.SchemaHero.String(), To: host.String(), Pos: m.SchemaHeroPos}, true
}

// nearestHost returns the host version nearest to one, of two at the same
// distance the newer, that meets all that is wanted; nil where none is known.
// Which hosts there are nobody says, so it is one that a constraint names, or
// the next one to it.
func nearestHost(host *semver.Version, wants []string) *semver.Version {
	var fit []*semver.Version
	for _, want := range wants {
		for _, mark := range mentioned(want) {
			for _, v := range versionsNextTo(mark) {
				if !slices.ContainsFunc(wants, func(want string) bool { return !hostMeets(v, want) }) {
					fit = append(fit, v)
				}
			}
		}
	}
	if stable := slices.DeleteFunc(slices.Clone(fit), func(v *semver.Version) bool { return v.Prerelease() != "" }); len(stable) > 0 {
		fit = stable
	}
	var best *semver.Version
	for _, v := range neighbours(fit, host) { // the newer first
		if best == nil || less(distance(v, host), distance(best, host)) {
			best = v
		}
	}
	return best
}

// versionsNextTo returns a version, the next patch and minor version, and the last
// ones before it of which that can be said.
func versionsNextTo(v *semver.Version) []*semver.Version {
	patch, minor := v.IncPatch(), v.IncMinor()
	out := []*semver.Version{v, &patch, &minor}
	switch {
	case v.Patch() > 0:
		out = append(out, semver.New(v.Major(), v.Minor(), v.Patch()-1, "", ""))
	case v.Minor() > 0:
		out = append(out, semver.New(v.Major(), v.Minor()-1, 0, "", ""))
	}
	return out
}

// relaxing returns an attempt in which one constraint does not count.
func (a *attempt) relaxing(name string) *attempt {
	return &attempt{resolver: a.resolver, fixed: maps.Clone(a.fixed), precise: a.precise, relaxed: name}
}

// requires returns what a version of the solution requires.
func (a *attempt) requires(p *plugin, text string) map[string]string {
	if a.isLockedEntry(p, text) {
		return p.locked.Requires
	}
	return p.byID[text].release.Requires
}
