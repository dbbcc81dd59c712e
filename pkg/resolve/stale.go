package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// DifferenceKind says in what a lock and a manifest differ.
type DifferenceKind string

// The kinds of Difference.
const (
	NoLock            DifferenceKind = "no lock"
	NotLocked         DifferenceKind = "not locked" // a manifest name is missing in the lock
	NotWanted         DifferenceKind = "not wanted" // an entry neither listed nor required
	VersionDiffers    DifferenceKind = "version"    // not admitted by the constraint
	TagDiffers        DifferenceKind = "tag"        // or locked by a tag where the manifest wants a version or digest
	DigestDiffers     DifferenceKind = "digest"     // or locked by digest where the manifest wants a version or tag
	AliasesDiffer     DifferenceKind = "aliases"    //
	PlatformMissing   DifferenceKind = "platform"   // a declared one
	RequirementUnmet  DifferenceKind = "requires"   // of another plugin or of the host
	SignatureDiffers  DifferenceKind = "signature"  // asked for by the trust rules and missing, or not admitted
	RepositoryDiffers DifferenceKind = "repository" // one that the manifest cannot yield for the name
)

// Difference is one reason why a lock does not satisfy a manifest.
type Difference struct {
	Plugin string // "" for NoLock
	Kind   DifferenceKind
	Text   string // a sentence without the plugin
}

// String returns "postgres: 0.0.2 is locked, which ^0.1 (FILE:7) does not admit".
func (d Difference) String() string {
	if d.Plugin == "" {
		return d.Text
	}
	return d.Plugin + ": " + d.Text
}

// Stale returns in what a lock does not satisfy a manifest, nothing where it
// does: plugins in the manifest's order, then those that only the lock has. It
// asks no network, so releases that came or went since do not count, and
// neither does minimum-age. l is nil where there is no lock; override is as in
// manifest.Locations.
func Stale(m *manifest.Manifest, l *lockfile.Lock, override string) []Difference {
	if l == nil {
		return []Difference{{Kind: NoLock, Text: "there is no lock"}}
	}
	c := comparison{m: m, l: l, override: override}
	for _, p := range m.Plugins {
		e, ok := l.Plugin(p.Name)
		if !ok {
			c.add(p.Name, NotLocked, "is not locked, and %s asks for it", where(p.Pos))
			continue
		}
		c.entry(e)
		if got, want := slices.Sorted(slices.Values(e.Aliases)), slices.Sorted(slices.Values(p.Aliases)); !slices.Equal(got, want) {
			c.add(p.Name, AliasesDiffer, "is locked with %s, and %s has %s", aliases(got), where(p.Pos), aliases(want))
		}
	}
	wanted := reachable(m, l)
	for i := range l.Plugins {
		e := &l.Plugins[i]
		_, listed := m.Plugin(e.Name)
		switch {
		case listed:
		case !wanted[e.Name]:
			c.add(e.Name, NotWanted, "is locked, and neither listed nor required by a plugin that is")
		default:
			c.entry(e)
			if len(e.Aliases) > 0 {
				c.add(e.Name, AliasesDiffer, "is locked with %s, and is not listed", aliases(e.Aliases))
			}
		}
	}
	return c.found
}

// comparison gathers differences.
type comparison struct {
	m        *manifest.Manifest
	l        *lockfile.Lock
	override string
	found    []Difference
}

func (c *comparison) add(plugin string, kind DifferenceKind, format string, args ...any) {
	c.found = append(c.found, Difference{plugin, kind, fmt.Sprintf(format, args...)})
}

// entry compares one lock entry with everything that bears on it but aliases.
func (c *comparison) entry(e *lockfile.Plugin) {
	c.release(e)
	c.place(e)
	if lacks := missing(c.m.Platforms, lockedPlatforms(e)); len(lacks) > 0 {
		c.add(e.Name, PlatformMissing, "is locked without %s", artifact.JoinPlatforms(lacks))
	}
	c.requires(e)
	c.signature(e)
}

// release compares which release an entry is.
func (c *comparison) release(e *lockfile.Plugin) {
	p, listed := c.m.Plugin(e.Name)
	switch {
	case p.Tag != "":
		if e.Tag != p.Tag {
			c.add(e.Name, TagDiffers, "%s is locked, and %s asks for tag %s", entryText(e), where(p.Pos), p.Tag)
		}
	case p.Digest != "":
		if e.Tag != "" || e.Digest != p.Digest {
			c.add(e.Name, DigestDiffers, "%s is locked, and %s asks for digest %s", entryText(e), where(p.Pos), shortDigest(p.Digest))
		}
	case !ownTag(e):
		kind := TagDiffers
		if e.Tag == "" {
			kind = DigestDiffers
		}
		c.add(e.Name, kind, "%s is locked, and %s a version by its own tag", entryText(e), asks(listed, p))
	case listed:
		if v, err := semver.StrictNewVersion(e.Version); err != nil || !entryConstraint(p).Check(v) {
			c.add(e.Name, VersionDiffers, "%s is locked, which %s (%s) does not admit", e.Version, p.Version, where(p.Pos))
		}
	}
}

// place compares where an entry is from.
func (c *comparison) place(e *lockfile.Plugin) {
	locations := c.m.Locations(e.Name, c.override)
	if !slices.ContainsFunc(locations, func(l manifest.Location) bool { return l.Repository == e.Repository }) {
		c.add(e.Name, RepositoryDiffers, "is locked from %s, and the manifest says %s", e.Repository, repositories(locations))
	}
}

func asks(listed bool, p manifest.Plugin) string {
	if listed {
		return where(p.Pos) + " asks for"
	}
	return "a plugin requires"
}

// requires checks what an entry requires of the host and of other entries.
func (c *comparison) requires(e *lockfile.Plugin) {
	for _, name := range sortedKeys(e.Requires) {
		text := e.Requires[name]
		if name == artifact.Host {
			if host := c.m.SchemaHero; host != nil && !hostMeets(host, text) {
				c.add(e.Name, RequirementUnmet, "%s requires schemahero %s, and schemahero is %s%s", entryText(e), text, host, at(c.m.SchemaHeroPos))
			}
			continue
		}
		other, ok := c.l.Plugin(name)
		if !ok {
			c.add(e.Name, RequirementUnmet, "%s requires %s %s, which is not locked", entryText(e), name, text)
			continue
		}
		v, err := semver.StrictNewVersion(other.Version)
		if err != nil {
			v = nil
		}
		if p, _ := c.m.Plugin(name); !meets(v, text, p.Prerelease) {
			c.add(e.Name, RequirementUnmet, "%s requires %s %s, and %s is locked", entryText(e), name, text, entryText(other))
		}
	}
}

// signature holds an entry's signer against the project's trust rules.
func (c *comparison) signature(e *lockfile.Plugin) {
	rule, governed := c.m.Trust.Decide(e.Repository)
	switch {
	case !governed:
	case rule == nil:
		c.add(e.Name, SignatureDiffers, "is locked from %s, which is in the scope of no trust rule", e.Repository)
	case rule.Unsigned:
	case e.Signature == nil:
		c.add(e.Name, SignatureDiffers, "is locked without a signature, and the trust rule for %s%s asks for one", rule.Scope, at(rule.Pos))
	case !rule.Admits(e.Signature.Issuer, e.Signature.Identity, e.Signature.Key):
		c.add(e.Name, SignatureDiffers, "is signed by %s, whom the trust rule for %s%s does not admit", e.Signature, rule.Scope, at(rule.Pos))
	}
}

func repositories(locations []manifest.Location) string {
	texts := make([]string, len(locations))
	for i, l := range locations {
		texts[i] = l.Repository
	}
	return strings.Join(texts, " or ")
}

func aliases(names []string) string {
	if len(names) == 0 {
		return "no aliases"
	}
	return "aliases " + strings.Join(names, ", ")
}
