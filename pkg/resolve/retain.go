package resolve

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// What is locked stays as far as it can. In order of strength:
//
//	fixed          the entry is not touched: nothing is asked of its registry,
//	               and the solver sees no other version (attempt.fixed)
//	preferred      its version comes before all others if those allow it: of an
//	               entry that stopped being fixed (prefersLocked), or of one whose
//	               place alone the manifest changes (plugin.relocated)
//	decided last   of a required driver that kept something newer out: its
//	               version is preferred among what the others leave
//	               (attempt.decideLast)
//	fallback       of an entry to upgrade: it is taken if the registry has
//	               nothing to take in its place (canFallBack)
//	extended       it is fixed, and its release was read once more, for a
//	               platform that the manifest declares now (plugin.extended)

// classifyLocked finds out which locked entries can stay as they are, and returns
// them by name. An entry can if it is what the manifest asks for; one that only
// lacks a declared platform is read again, and stays if the release has it.
// Errors: *MovedError, the Catalog's.
func (r *resolver) classifyLocked(ctx context.Context) (fixed map[string]bool, err error) {
	if r.o.Locked == nil {
		return map[string]bool{}, nil
	}
	var kept []*plugin
	wanted := reachable(r.o.Manifest, r.o.Locked)
	for i := range r.o.Locked.Plugins {
		l := &r.o.Locked.Plugins[i]
		if !wanted[l.Name] {
			continue
		}
		c := comparison{m: r.o.Manifest, l: r.o.Locked, override: r.o.Override}
		if c.release(l); len(c.found) > 0 {
			continue
		}
		p := r.plugin(l.Name)
		if c.place(l); len(c.found) > 0 {
			if !r.upgrades(l.Name) {
				p.relocated = l
			}
			continue
		}
		p.locked = l
		// What a digest names never changes.
		p.upgrade = r.upgrades(l.Name) && p.entry.Digest == ""
		kept = append(kept, p)
	}
	if r.o.CheckMoved || len(r.o.AcceptMoved) > 0 {
		if err := r.checkMoved(ctx, kept); err != nil {
			return nil, err
		}
	}
	var incomplete []*plugin
	fixed = map[string]bool{}
	for _, p := range kept {
		if p.upgrade && !p.moved {
			continue
		}
		fixed[p.name] = true
		if len(missing(r.o.Manifest.Platforms, lockedPlatforms(p.locked))) > 0 {
			incomplete = append(incomplete, p)
		}
	}
	err = parallel.Each(ctx, len(incomplete), 0, func(i int) error { return r.addPlatforms(ctx, incomplete[i]) })
	for _, p := range incomplete {
		if p.extended == nil {
			delete(fixed, p.name)
			p.locked = nil
		}
	}
	return fixed, err
}

// upgrades reports whether the locked version of a plugin is not to be
// preferred.
func (r *resolver) upgrades(name string) bool {
	return r.o.UpgradeAll || slices.Contains(r.o.Upgrade, name) || r.o.Precise[name] != ""
}

// checkMoved marks the entries that stay because their tag moved, and those
// that do not because that was accepted. The tag of a tag entry is there to
// move, so that an upgrade follows it.
func (r *resolver) checkMoved(ctx context.Context, kept []*plugin) error {
	entries := make([]lockfile.Plugin, len(kept))
	for i, p := range kept {
		entries[i] = *p.locked
	}
	var err error
	if r.moved, err = r.check(ctx, entries); err != nil {
		return err
	}
	for _, p := range kept {
		for _, m := range r.moved {
			if m.Plugin != p.name || m.Now == "" {
				continue
			}
			switch {
			case slices.Contains(r.o.AcceptMoved, p.name):
				p.upgrade = true
			case p.upgrade && !p.floating():
				p.moved = true
				if precise, ok := r.o.Precise[p.name]; ok && precise != p.locked.Version {
					return &MovedError{m}
				}
			}
		}
	}
	return nil
}

// addPlatforms reads the release of a locked entry again, by what the lock pins and
// not by what its tag names today, for the platforms that the manifest
// declares. p.extended stays nil if the release does not have them. Errors:
// *MovedError where what is locked is not there any more, the Catalog's.
func (r *resolver) addPlatforms(ctx context.Context, p *plugin) error {
	l := p.locked
	reader, err := r.catalog.Reader(l.Repository)
	if err != nil {
		return err
	}
	want := slices.Concat(lockedPlatforms(l), missing(r.o.Manifest.Platforms, lockedPlatforms(l)))
	var release *artifact.Release
	locked := pinned{reader, l, nil}
	err = r.limit.Do(ctx, func() (err error) {
		if c, ok := tagsCandidate(l, want); ok {
			release, err = artifact.ReadFor(ctx, locked, p.name, c, want)
		} else {
			release, err = artifact.ReadReferenceFor(ctx, locked, p.name, l.Digest.String(), want)
		}
		return err
	})
	if err != nil {
		return r.movedError(ctx, l, err)
	}
	release.Version, release.Tag = l.Version, l.Tag
	again := newEntry(p, l.Repository, release)
	if !SameContent(l, &again) {
		// Nothing moved: then the lock was not written by this program.
		r.note(p.name, "is locked with manifests or layers that %s does not name", entryText(l))
		return r.movedError(ctx, l, nil)
	}
	if lacks := missing(r.o.Manifest.Platforms, release.Offered); len(lacks) > 0 {
		r.note(p.name, "%s is locked and %s", entryText(l), lacksReason(lacks).text)
		return nil
	}
	p.extended = release
	return nil
}

// movedError returns the *MovedError that explains why a locked entry could not be
// read again, err where nothing moved.
func (r *resolver) movedError(ctx context.Context, l *lockfile.Plugin, err error) error {
	moved, checkErr := r.check(ctx, []lockfile.Plugin{*l})
	switch {
	case checkErr != nil:
		return checkErr
	case len(moved) > 0:
		return &MovedError{moved[0]}
	}
	return err
}

// tagsCandidate returns the tags under which a release of the tags layout has
// its platforms, for a lock entry of that layout.
func tagsCandidate(l *lockfile.Plugin, want []artifact.Platform) (artifact.Candidate, bool) {
	v, err := semver.StrictNewVersion(l.Version)
	if err != nil || !ownTag(l) {
		return artifact.Candidate{}, false
	}
	c := artifact.Candidate{Version: v, Tag: l.Tag}
	base := cmp.Or(l.Tag, artifact.VersionTag(v))
	for _, p := range l.Platforms {
		if p.Tag == "" {
			return artifact.Candidate{}, false
		}
		if before, ok := strings.CutSuffix(p.Tag, "-"+p.Platform.Suffix()); ok {
			base = before
		}
	}
	for _, p := range want {
		tag := base + "-" + p.Suffix()
		if q, ok := l.Platform(p); ok {
			tag = q.Tag
		}
		if tag != l.Tag {
			c.Platforms = append(c.Platforms, artifact.PlatformTag{Platform: p, Tag: tag})
		}
	}
	return c, true
}

// isLockedEntry reports whether a version of p's listing is the locked entry as it
// is, and not what the registry has under that name.
func (a *attempt) isLockedEntry(p *plugin, id string) bool {
	if a.fixed[p.name] {
		return true
	}
	if p.locked == nil || id != p.lockedID() {
		return false
	}
	v := p.byID[id]
	return a.prefersLocked(p) || a.canFallBack(p) && (v == nil || v.reason != nil)
}

// prefersLocked reports whether p's locked version, though not fixed, is preferred.
func (a *attempt) prefersLocked(p *plugin) bool {
	return p.locked != nil && !p.upgrade && p.locked.Repository == p.repository && a.precise[p.name] == ""
}

// preferred returns the version that p shall have if the others leave it: the
// locked one, or in another repository the one that has its name. "" for none.
func (a *attempt) preferred(p *plugin) string {
	if a.prefersLocked(p) {
		return p.lockedID()
	}
	if was := p.relocated; was != nil {
		if v := p.byID[versionID(was.Version, was.Tag, was.Digest)]; v != nil {
			return v.id
		}
	}
	return ""
}

// canFallBack reports whether p's locked entry can be had if the registry has
// nothing to take in its place: a tag that was deleted, or a release that is
// passed over, is no reason to lose what works.
func (a *attempt) canFallBack(p *plugin) bool {
	return p.locked != nil && (p.extended != nil || len(missing(a.o.Manifest.Platforms, lockedPlatforms(p.locked))) == 0)
}

// ids returns the ids of p's versions, the one to prefer first. A locked one that
// is no longer there stands where it stood, so that an upgrade does not go back to
// an older one; if the tag or the repository decides and not the version, it comes
// last.
func (a *attempt) ids(p *plugin) []string {
	var out []string
	for _, v := range p.versions {
		out = append(out, v.id)
	}
	if !a.canFallBack(p) || p.byID[p.lockedID()] != nil {
		return out
	}
	at := len(out)
	if v := p.version(p.lockedID()); v != nil && p.entry.Tag == "" && p.locked.Repository == p.repository {
		at = slices.IndexFunc(p.versions, func(w *version) bool { return artifact.CompareVersions(w.semver, v) < 0 })
		if at < 0 {
			at = len(out)
		}
	}
	return slices.Insert(out, at, p.lockedID())
}

// blockers returns the fixed plugins, listed by no manifest, that keep an admitted
// version out of a solution which is newer than the one in it. One whose tag moved
// is not changed unasked.
func (a *attempt) blockers(solution map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(solution)) {
		p := a.plugin(name)
		if a.isLockedEntry(p, solution[name]) {
			continue
		}
		for _, v := range p.versions {
			if v.id == solution[name] {
				break
			}
			if v.release == nil || v.reason != nil || !a.mayTake(p, v) || !a.supports(v.release) {
				continue
			}
			for required, text := range v.release.Requires {
				q := a.plugin(required)
				moved := slices.ContainsFunc(a.moved, func(m Moved) bool { return m.Plugin == required && m.Now != "" })
				if a.fixed[required] && !q.listed && !moved && !meets(q.version(q.lockedID()), text, false) {
					out = append(out, required)
				}
			}
		}
	}
	return out
}

// fallbackReason reports why an entry that was to be upgraded is kept although
// nothing prefers it, "" for any other.
func (a *attempt) fallbackReason(p *plugin, id string) string {
	if a.fixed[p.name] || a.prefersLocked(p) || !a.isLockedEntry(p, id) {
		return ""
	}
	var none *NoRepositoryError
	switch v := p.byID[id]; {
	case errors.As(p.listErr, &none):
		return none.reasons()
	case v != nil:
		return "what has its tag now " + v.reason.detail
	case p.entry.Tag == "":
		return "its tag was deleted, and there is nothing newer to take"
	case p.versions[0].reason == nil:
		return "what its tag names now conflicts with the other drivers"
	}
	return "what has its tag now " + p.versions[0].reason.detail
}

// newerThan reports whether a version is newer than the locked one of an id.
func (p *plugin) newerThan(v *semver.Version, id string) bool {
	locked := p.version(id)
	return v == nil || locked == nil || artifact.CompareVersions(v, locked) > 0
}
