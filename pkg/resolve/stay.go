package resolve

import (
	"errors"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// stays tells whether a version of p's listing is the locked entry as it is,
// and not what the registry has under that name.
func (a *attempt) stays(p *plugin, text string) bool {
	if a.frozen[p.name] {
		return true
	}
	if p.locked == nil || text != p.lockedText() {
		return false
	}
	v := p.byText[text]
	return a.keeps(p) || a.spare(p) && (v == nil || v.reason != nil)
}

// keeps tells whether p's locked version, though not frozen, is preferred.
func (a *attempt) keeps(p *plugin) bool {
	return p.locked != nil && !p.upgrade && p.locked.Repository == p.repository && a.precise[p.name] == ""
}

// preferred returns the version that p shall have if the others leave it: the
// locked one, or in another repository the one that has its name. "" for none.
func (a *attempt) preferred(p *plugin) string {
	if a.keeps(p) {
		return p.lockedText()
	}
	if was := p.relocated; was != nil {
		if v := p.byText[label(was.Version, was.Tag, was.Digest)]; v != nil {
			return v.text
		}
	}
	return ""
}

// spare tells whether p's locked entry can be had where the registry has
// nothing to take in its place: a tag that was deleted, or a release that is
// passed over, is no reason to lose what works.
func (a *attempt) spare(p *plugin) bool {
	return p.locked != nil && (p.grown != nil || len(missing(a.o.Manifest.Platforms, lockedPlatforms(p.locked))) == 0)
}

// texts returns p's versions, the one to prefer first. A locked one that is
// there no more stands where it stood, so that an upgrade does not go back to
// an older one; where the tag or the repository decides and not the version, it
// comes last.
func (a *attempt) texts(p *plugin) []string {
	var out []string
	for _, v := range p.versions {
		out = append(out, v.text)
	}
	if !a.spare(p) || p.byText[p.lockedText()] != nil {
		return out
	}
	at := len(out)
	if v := p.version(p.lockedText()); v != nil && p.entry.Tag == "" && p.locked.Repository == p.repository {
		at = slices.IndexFunc(p.versions, func(w *version) bool { return artifact.CompareVersions(w.semver, v) < 0 })
		if at < 0 {
			at = len(out)
		}
	}
	return slices.Insert(out, at, p.lockedText())
}

// holding returns the frozen plugins, listed by no manifest, that keep an
// admitted version out of a solution which is newer than the one in it. One
// whose tag moved is not left behind unasked.
func (a *attempt) holding(solution map[string]string) []string {
	var out []string
	for _, name := range sortedKeys(solution) {
		p := a.plugin(name)
		if a.stays(p, solution[name]) {
			continue
		}
		for _, v := range p.versions {
			if v.text == solution[name] {
				break
			}
			if v.release == nil || v.reason != nil || !a.mayTake(p, v) || !a.supports(v.release) {
				continue
			}
			for required, text := range v.release.Requires {
				q := a.plugin(required)
				moved := slices.ContainsFunc(a.moved, func(m Moved) bool { return m.Plugin == required && m.Now != "" })
				if a.frozen[required] && !q.listed && !moved && !meets(q.version(q.lockedText()), text, false) {
					out = append(out, required)
				}
			}
		}
	}
	return out
}

// whyStays tells why an entry that was to be upgraded is kept although nothing
// prefers it, "" for any other.
func (a *attempt) whyStays(p *plugin, text string) string {
	if a.frozen[p.name] || a.keeps(p) || !a.stays(p, text) {
		return ""
	}
	var none *NoRepositoryError
	switch v := p.byText[text]; {
	case errors.As(p.listErr, &none):
		return none.reasons()
	case v != nil:
		return "what has its tag now " + v.reason.detail
	case p.entry.Tag == "":
		return "its tag was deleted, and there is nothing newer to take"
	case p.versions[0].reason == nil:
		return "what has its tag now does not go with the other plugins"
	}
	return "what has its tag now " + p.versions[0].reason.detail
}

// newerThan tells whether a version is newer than the locked one that stands
// for a text.
func (p *plugin) newerThan(v *semver.Version, text string) bool {
	locked := p.version(text)
	return v == nil || locked == nil || artifact.CompareVersions(v, locked) > 0
}
