package lockfile

import (
	"cmp"
	"maps"
	"slices"
	"sort"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Version is the format that this package reads and writes.
const Version = 1

// MaxSize is the size over which a lock is refused, in bytes. 200 plugins with
// four platforms each take a quarter of a megabyte.
const MaxSize = 16 << 20

// Lock is the content of a lock file.
type Lock struct {
	Plugins []Plugin // sorted by name, as Parse returns them
}

// Plugin is one locked driver.
type Plugin struct {
	Name       string
	Version    string            // X.Y.Z[-pre][+build]; "" where a tag or digest names a release that states none
	Aliases    []string          // engines under whose names the executable is installed too, sorted
	Repository string            // host/path or oci-layout:DIR, the origin even if a mirror served
	Tag        string            // the registry's tag; "" for a pinned digest and where only platforms have tags
	Digest     digest.Digest     // what Tag named: an index or a manifest; "" without a tag for all platforms
	Requires   map[string]string // constraints by plugin name, artifact.Host for the host
	Signature  *Signature        // who signed Digest, under the project's trust policy; nil without one
	Platforms  []Platform        // sorted by their text
}

// Signature is the signer that a trust policy admitted.
type Signature = artifact.Signer

// Platform is a locked driver's executable for one platform.
type Platform struct {
	Platform   artifact.Platform
	Tag        string        // tags layout only: the tag for this platform
	Manifest   digest.Digest // the manifest that lists Layer
	Layer      digest.Digest // what a sync fetches
	Size       int64         // of the layer, in bytes
	File       string        // the layer's title, a bare file name
	Executable digest.Digest // of the executable inside; "" if the release does not state it
}

// Plugin returns the entry of a name, which the caller may change in place.
func (l *Lock) Plugin(name string) (*Plugin, bool) {
	if l == nil {
		return nil, false
	}
	// Only names are read: others may be changing what else is in other entries.
	i, ok := sort.Find(len(l.Plugins), func(i int) int { return cmp.Compare(name, l.Plugins[i].Name) })
	if ok {
		return &l.Plugins[i], true
	}
	for i := range l.Plugins { // in another order than Parse's
		if l.Plugins[i].Name == name {
			return &l.Plugins[i], true
		}
	}
	return nil, false
}

// Sort puts plugins, platforms and aliases in the order of the file. Encode
// does not need it.
func (l *Lock) Sort() {
	slices.SortFunc(l.Plugins, func(a, b Plugin) int { return cmp.Compare(a.Name, b.Name) })
	for i := range l.Plugins {
		slices.Sort(l.Plugins[i].Aliases)
		SortPlatforms(l.Plugins[i].Platforms)
	}
}

// SortPlatforms puts platforms in the order of the file, that of their text.
func SortPlatforms(platforms []Platform) {
	slices.SortFunc(platforms, func(a, b Platform) int {
		return cmp.Compare(a.Platform.String(), b.Platform.String())
	})
}

// Clone returns a copy that shares nothing with l.
func (l *Lock) Clone() *Lock {
	out := &Lock{Plugins: slices.Clone(l.Plugins)}
	for i := range out.Plugins {
		out.Plugins[i] = out.Plugins[i].Clone()
	}
	return out
}

// Clone returns a copy that shares nothing with p.
func (p Plugin) Clone() Plugin {
	p.Aliases = slices.Clone(p.Aliases)
	p.Requires = maps.Clone(p.Requires)
	p.Platforms = slices.Clone(p.Platforms)
	if p.Signature != nil {
		s := *p.Signature
		p.Signature = &s
	}
	return p
}

// Platform returns the entry for a platform.
func (p *Plugin) Platform(platform artifact.Platform) (Platform, bool) {
	for _, q := range p.Platforms {
		if q.Platform == platform {
			return q, true
		}
	}
	return Platform{}, false
}

// Roots returns what of an entry is signed and withdrawn, each once: what its tag
// named, or in the tags layout each platform's manifest.
func (p *Plugin) Roots() []digest.Digest {
	var out []digest.Digest
	for _, q := range p.Platforms {
		if d := p.Root(q); !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// Root returns where the chain to a platform's layer begins.
func (p *Plugin) Root(q Platform) digest.Digest {
	if p.Digest == "" || q.Tag != "" {
		return q.Manifest
	}
	return p.Digest
}

// Equal reports whether both would be written alike: order, and the difference
// between nil and empty, do not count.
func (p *Plugin) Equal(q *Plugin) bool {
	// Nearly all are the same to the letter, and a sync with nothing to do asks
	// several times for each driver.
	if p.same(q) {
		return true
	}
	return string(appendPlugin(nil, p)) == string(appendPlugin(nil, q))
}

// same reports whether both are equal as they stand, in the same order.
func (p *Plugin) same(q *Plugin) bool {
	return p.Name == q.Name && p.Version == q.Version && p.Repository == q.Repository && p.Tag == q.Tag && p.Digest == q.Digest &&
		p.Signature.Equal(q.Signature) && slices.Equal(p.Aliases, q.Aliases) && slices.Equal(p.Platforms, q.Platforms) && maps.Equal(p.Requires, q.Requires)
}
