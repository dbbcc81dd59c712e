package resolve

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// keep finds out which locked entries can stay as they are, and returns them
// by name. An entry can, where it is what the manifest asks for; one that only
// lacks a declared platform is read again, and stays if the release has it.
// Errors: *MovedError, the Catalog's.
func (r *resolver) keep(ctx context.Context) (frozen map[string]bool, err error) {
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
	var short []*plugin
	frozen = map[string]bool{}
	for _, p := range kept {
		if p.upgrade && !p.moved {
			continue
		}
		frozen[p.name] = true
		if len(missing(r.o.Manifest.Platforms, lockedPlatforms(p.locked))) > 0 {
			short = append(short, p)
		}
	}
	err = parallel.Join(parallel.Each(ctx, len(short), 0, func(i int) error { return r.grow(ctx, short[i]) }))
	for _, p := range short {
		if p.grown == nil {
			delete(frozen, p.name)
			p.locked = nil
		}
	}
	return frozen, err
}

// upgrades tells whether the locked version of a plugin is not to be
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

// grow reads the release of a locked entry again, by what the lock pins and
// not by what its tag names today, for the platforms that the manifest
// declares. p.grown stays nil where the release does not have them. Errors:
// *MovedError where what is locked is not there any more, the Catalog's.
func (r *resolver) grow(ctx context.Context, p *plugin) error {
	l := p.locked
	reader, err := r.catalog.Reader(l.Repository)
	if err != nil {
		return err
	}
	want := slices.Concat(lockedPlatforms(l), missing(r.o.Manifest.Platforms, lockedPlatforms(l)))
	var release *artifact.Release
	err = r.limit.Do(ctx, func() (err error) {
		if c, ok := tagsCandidate(l, want); ok {
			release, err = artifact.ReadFor(ctx, reader, p.name, c, want)
		} else {
			release, err = artifact.ReadReferenceFor(ctx, reader, p.name, l.Digest.String(), want)
		}
		return err
	})
	if err != nil {
		return r.gone(ctx, l, err)
	}
	release.Version, release.Tag = l.Version, l.Tag
	grown := newEntry(p, l.Repository, release)
	if !SameContent(l, &grown) {
		// Nothing moved: then the lock was not written by this program.
		r.note(p.name, "is locked with manifests or layers that %s does not name", what(l))
		return r.gone(ctx, l, nil)
	}
	if lacks := missing(r.o.Manifest.Platforms, release.Offered); len(lacks) > 0 {
		r.note(p.name, "%s is locked and %s", what(l), lacking(lacks).text)
		return nil
	}
	p.grown = release
	return nil
}

// gone returns the *MovedError that explains why a locked entry could not be
// read again, err where nothing moved.
func (r *resolver) gone(ctx context.Context, l *lockfile.Plugin, err error) error {
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
