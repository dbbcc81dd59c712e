package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// Difference is one reason why a lock does not satisfy a manifest.
type Difference struct {
	Plugin string // "" for the whole lock
	Text   string // a sentence without the plugin
}

// String returns "postgres: 0.0.2 is locked, which ^0.1 (FILE:7) does not admit".
func (d Difference) String() string {
	if d.Plugin == "" {
		return d.Text
	}
	return d.Plugin + ": " + d.Text
}

// Stale returns in what a lock does not satisfy a manifest, nothing if it
// does: plugins in the manifest's order, then those that only the lock has. It
// asks no network, so releases that came or went since do not count, and
// neither does minimum-age. l is nil if there is no lock; override is as in
// manifest.Locations.
func Stale(m *manifest.Manifest, l *lockfile.Lock, override string) []Difference {
	if l == nil {
		return []Difference{{Text: "there is no lock"}}
	}
	c := comparison{m: m, l: l, override: override}
	for _, p := range m.Plugins {
		e, ok := l.Plugin(p.Name)
		if !ok {
			c.add(p.Name, "is not locked, and %s asks for it", where(p.Pos))
			continue
		}
		c.entry(e)
		if got, want := slices.Sorted(slices.Values(e.Aliases)), slices.Sorted(slices.Values(p.Aliases)); !slices.Equal(got, want) {
			c.add(p.Name, "is locked with %s, and %s has %s", aliases(got), where(p.Pos), aliases(want))
		}
	}
	wanted := reachable(m, l)
	for i := range l.Plugins {
		e := &l.Plugins[i]
		_, listed := m.Plugin(e.Name)
		switch {
		case listed:
		case !wanted[e.Name]:
			c.add(e.Name, "is locked, and neither listed nor required by a driver that is")
		default:
			c.entry(e)
			if len(e.Aliases) > 0 {
				c.add(e.Name, "is locked with %s, and is not listed", aliases(e.Aliases))
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

func (c *comparison) add(plugin, format string, args ...any) {
	c.found = append(c.found, Difference{plugin, fmt.Sprintf(format, args...)})
}

// entry compares one lock entry with everything that bears on it but aliases.
func (c *comparison) entry(e *lockfile.Plugin) {
	c.release(e)
	c.place(e)
	if lacks := missing(c.m.Platforms, lockedPlatforms(e)); len(lacks) > 0 {
		c.add(e.Name, "is locked without %s", artifact.JoinPlatforms(lacks))
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
			c.add(e.Name, "%s is locked, and %s asks for tag %s", entryText(e), where(p.Pos), p.Tag)
		}
	case p.Digest != "":
		if e.Tag != "" || e.Digest != p.Digest {
			c.add(e.Name, "%s is locked, and %s asks for digest %s", entryText(e), where(p.Pos), shortDigest(p.Digest))
		}
	case !ownTag(e):
		c.add(e.Name, "%s is locked, and %s a version by its own tag", entryText(e), asks(listed, p))
	case listed:
		if v, err := semver.StrictNewVersion(e.Version); err != nil || !p.Constraint().Check(v) {
			c.add(e.Name, "%s is locked, which %s (%s) does not admit", e.Version, p.Version, where(p.Pos))
		}
	}
}

// place compares where an entry is from.
func (c *comparison) place(e *lockfile.Plugin) {
	locations := c.m.Locations(e.Name, c.override)
	if !slices.ContainsFunc(locations, func(l manifest.Location) bool { return l.Repository == e.Repository }) {
		c.add(e.Name, "is locked from %s, and the manifest says %s", e.Repository, repositories(locations))
	}
}

func asks(listed bool, p manifest.Plugin) string {
	if listed {
		return where(p.Pos) + " asks for"
	}
	return "a driver requires"
}

// requires checks what an entry requires of the host and of other entries.
func (c *comparison) requires(e *lockfile.Plugin) {
	for _, name := range slices.Sorted(maps.Keys(e.Requires)) {
		text := e.Requires[name]
		if name == artifact.Host {
			if host := c.m.SchemaHero; host != nil && !hostMeets(host, text) {
				c.add(e.Name, "%s requires schemahero %s, and schemahero is %s%s", entryText(e), text, host, at(c.m.SchemaHeroPos))
			}
			continue
		}
		other, ok := c.l.Plugin(name)
		if !ok {
			c.add(e.Name, "%s requires %s %s, which is not locked", entryText(e), name, text)
			continue
		}
		v, err := semver.StrictNewVersion(other.Version)
		if err != nil {
			v = nil
		}
		if p, _ := c.m.Plugin(name); !meets(v, text, p.Prerelease) {
			c.add(e.Name, "%s requires %s %s, and %s is locked", entryText(e), name, text, entryText(other))
		}
	}
}

// signature checks an entry's signer against the project's trust rules.
func (c *comparison) signature(e *lockfile.Plugin) {
	rule, governed := c.m.Trust.Decide(e.Repository)
	switch {
	case !governed:
	case rule == nil:
		c.add(e.Name, "is locked from %s, which is in the scope of no trust rule", e.Repository)
	case rule.Unsigned:
	case e.Signature == nil:
		c.add(e.Name, "is locked without a signature, and the trust rule for %s%s asks for one", rule.Scope, at(rule.Pos))
	case !rule.Admits(e.Signature.Issuer, e.Signature.Identity, e.Signature.Key):
		c.add(e.Name, "is signed by %s, whom the trust rule for %s%s does not admit", e.Signature, rule.Scope, at(rule.Pos))
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
