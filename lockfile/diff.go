package lockfile

import (
	"cmp"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// ChangeKind is the one word for what became of an entry.
type ChangeKind string

// The kinds of change, the first that fits.
const (
	Added      ChangeKind = "added"
	Removed    ChangeKind = "removed"
	Upgraded   ChangeKind = "upgraded"   // to a higher version
	Downgraded ChangeKind = "downgraded" // to a lower version
	Moved      ChangeKind = "moved"      // other content under the same tag of the same repository
	Changed    ChangeKind = "changed"    // anything else
)

// SignerChange says what became of an entry's signature.
type SignerChange string

// The changes of a signature.
const (
	SignerKept     SignerChange = ""
	SignerGained   SignerChange = "gained"
	SignerLost     SignerChange = "lost"
	SignerReplaced SignerChange = "replaced" // another signer: the change to look at first
	SignerRef      SignerChange = "ref"      // the same workflow, for another branch or tag
)

// Change is what differs in one plugin between two locks.
type Change struct {
	Name string
	Kind ChangeKind
	From *Plugin // nil where Added
	To   *Plugin // nil where Removed

	// The rest is told of plugins that are in both locks.

	Signer          SignerChange
	Repository      bool                // comes from elsewhere
	Tag             bool                // named by another tag
	Digest          bool                // the plugin's digest differs
	PlatformsGained []artifact.Platform // sorted by their text
	PlatformsLost   []artifact.Platform
	PlatformsMoved  []artifact.Platform // in both, with another tag, digest, size or file
	AliasesGained   []string            // sorted
	AliasesLost     []string
	Requires        []RequireChange // sorted by name
}

// RequireChange is a requirement that differs.
type RequireChange struct {
	Name string // a plugin, or artifact.Host
	From string // constraint; "" where there was none
	To   string // constraint; "" if there is none any more
}

// Diff returns what differs between two locks, sorted by name: nothing where
// both would be written alike. A nil lock is an empty one. The plugins in a
// Change are those of the locks, not copies.
func Diff(from, to *Lock) []Change {
	before, after := index(from), index(to)
	var changes []Change
	for name, b := range after {
		switch a := before[name]; {
		case a == nil:
			changes = append(changes, Change{Name: name, Kind: Added, To: b})
		case !a.Equal(b):
			changes = append(changes, compare(a, b))
		}
	}
	for name, a := range before {
		if after[name] == nil {
			changes = append(changes, Change{Name: name, Kind: Removed, From: a})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	return changes
}

func index(l *Lock) map[string]*Plugin {
	if l == nil {
		return nil
	}
	out := make(map[string]*Plugin, len(l.Plugins))
	for i := range l.Plugins {
		out[l.Plugins[i].Name] = &l.Plugins[i]
	}
	return out
}

func compare(a, b *Plugin) Change {
	c := Change{Name: a.Name, Kind: Changed, From: a, To: b}
	c.Repository = a.Repository != b.Repository
	c.Tag = a.Tag != b.Tag
	c.Digest = a.Digest != b.Digest
	c.Signer = signer(a.Signature, b.Signature)
	c.AliasesGained = missing(b.Aliases, a.Aliases)
	c.AliasesLost = missing(a.Aliases, b.Aliases)
	c.Requires = requires(a.Requires, b.Requires)
	moved := c.Digest && !c.Tag && a.Tag != "" && a.Digest != "" && b.Digest != ""
	for _, q := range b.Platforms {
		p, ok := a.Platform(q.Platform)
		switch {
		case !ok:
			c.PlatformsGained = append(c.PlatformsGained, q.Platform)
		case p != q:
			c.PlatformsMoved = append(c.PlatformsMoved, q.Platform)
			moved = moved || p.Tag == q.Tag && (p.Tag != "" && p.Manifest != q.Manifest)
		}
	}
	for _, p := range a.Platforms {
		if _, ok := b.Platform(p.Platform); !ok {
			c.PlatformsLost = append(c.PlatformsLost, p.Platform)
		}
	}
	for _, list := range [][]artifact.Platform{c.PlatformsGained, c.PlatformsLost, c.PlatformsMoved} {
		slices.SortFunc(list, func(p, q artifact.Platform) int { return cmp.Compare(p.String(), q.String()) })
	}
	switch order := versionOrder(a.Version, b.Version); {
	case order < 0:
		c.Kind = Upgraded
	case order > 0:
		c.Kind = Downgraded
	case a.Version == b.Version && moved && !c.Repository:
		c.Kind = Moved
	}
	return c
}

func signer(a, b *Signature) SignerChange {
	switch {
	case a.Equal(b):
		return SignerKept
	case a == nil:
		return SignerGained
	case b == nil:
		return SignerLost
	case a.SameSigner(b):
		return SignerRef
	}
	return SignerReplaced
}

// missing returns what of list is not in other, sorted.
func missing(list, other []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(other, s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

func requires(a, b map[string]string) []RequireChange {
	var out []RequireChange
	for name, constraint := range a {
		if b[name] != constraint {
			out = append(out, RequireChange{name, constraint, b[name]})
		}
	}
	for name, constraint := range b {
		if _, ok := a[name]; !ok {
			out = append(out, RequireChange{Name: name, To: constraint})
		}
	}
	slices.SortFunc(out, func(a, b RequireChange) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// versionOrder compares two versions, those of equal precedence by their build
// metadata as artifact.Candidates does. It returns 0 where either is none.
func versionOrder(a, b string) int {
	v, err := semver.StrictNewVersion(a)
	if err != nil {
		return 0
	}
	w, err := semver.StrictNewVersion(b)
	if err != nil {
		return 0
	}
	return artifact.CompareVersions(v, w)
}
