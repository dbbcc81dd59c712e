package resolve

import (
	"fmt"
	"maps"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// skipped returns the versions that are newer than the chosen ones, that the
// manifest admits, and that were passed over.
func (a *attempt) skipped(solution map[string]string) []Skipped {
	var out []Skipped
	for _, name := range slices.Sorted(maps.Keys(solution)) {
		p := a.plugin(name)
		if a.fixed[name] || solution[name] == a.preferred(p) {
			continue
		}
		for _, v := range p.versions {
			if v.id == solution[name] || a.isLockedEntry(p, solution[name]) && !p.newerThan(v.semver, solution[name]) {
				break
			}
			if !a.mayTake(p, v) {
				continue
			}
			if why := a.passedOver(p, v, solution); why != nil && (p.listed || why.verdict != Conflict) {
				out = append(out, Skipped{name, v.id, why.verdict, why.detail})
			}
		}
	}
	return out
}

// passedOver reports why a version that the manifest admits is not in the
// solution.
func (a *attempt) passedOver(p *plugin, v *version, solution map[string]string) *reason {
	if v.reason != nil {
		return v.reason
	}
	for _, by := range slices.Sorted(maps.Keys(solution)) {
		text, ok := a.requires(a.plugin(by), solution[by])[p.name]
		if ok && by != p.name && !meets(v.semver, text, p.entry.Prerelease) {
			return conflict("%s %s requires %s %s", by, solution[by], p.name, text)
		}
	}
	if v.release == nil {
		return nil
	}
	if !a.supports(v.release) {
		return &reason{Host, "", a.hostDetail(v.release)}
	}
	for _, name := range slices.Sorted(maps.Keys(v.release.Requires)) {
		other, ok := solution[name]
		text := v.release.Requires[name]
		switch {
		case name == artifact.Host:
		case !ok:
			return conflict("requires %s %s, and no release of it satisfies that", name, text)
		case !meets(a.plugin(name).version(other), text, a.plugin(name).entry.Prerelease):
			return conflict("requires %s %s, and %s is taken", name, text, other)
		}
	}
	return conflict("conflicts with the other drivers")
}

func conflict(format string, args ...any) *reason {
	return &reason{Conflict, "", fmt.Sprintf(format, args...)}
}

// hostDetail reports what a release requires of the host that it does not get.
func (a *attempt) hostDetail(release *artifact.Release) string {
	m := a.o.Manifest
	return fmt.Sprintf("requires schemahero %s, and schemahero is %s%s", release.Requires[artifact.Host], m.SchemaHero, at(m.SchemaHeroPos))
}
