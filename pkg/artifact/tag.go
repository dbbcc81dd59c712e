package artifact

import (
	"cmp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Tag is a registry tag that names a version, for all platforms or for one.
type Tag struct {
	Name     string          // as the registry has it
	Version  *semver.Version // build metadata after "+"
	Platform Platform        // zero if the tag is for all platforms
}

// ParseTag reads X.Y.Z[-pre][+build], one leading v allowed and _ standing for
// +, with -OS-ARCH behind it where the tag is for one platform. Floating tags
// (latest, 0, 0.1), the host's own (0.1.2-amd64, which is no prerelease),
// signature tags and everything else are ok == false.
func ParseTag(name string) (tag Tag, ok bool) {
	if !IsTag(name) { // whatever a registry says that it has
		return Tag{}, false
	}
	text, platform, cut := CutPlatform(name)
	if before, host := CutHostTag(text); host && !cut {
		if _, version := ParseTag(before); version {
			return Tag{}, false
		}
	}
	text = strings.TrimPrefix(text, "v")
	if strings.Count(text, "_") > 1 {
		return Tag{}, false
	}
	v, err := semver.StrictNewVersion(strings.Replace(text, "_", "+", 1))
	if err != nil {
		return Tag{}, false
	}
	return Tag{Name: name, Version: v, Platform: platform}, true
}

// IsTag reports whether s can be a tag at all (OCI distribution-spec, "Pulling
// manifests").
func IsTag(s string) bool {
	if s == "" || len(s) > 128 || s[0] == '.' || s[0] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !word && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// VersionTag returns the tag that stands for a version: + becomes _.
func VersionTag(v *semver.Version) string { return strings.ReplaceAll(v.String(), "+", "_") }

func (t Tag) hasV() bool { return strings.HasPrefix(t.Name, "v") }

// Candidate is one version as the tags of a repository tell it, before
// anything of it is fetched.
type Candidate struct {
	Version   *semver.Version
	Tag       string        // names the version for all platforms; "" where no such tag exists
	Platforms []PlatformTag // tags for one platform, sorted by platform
}

// PlatformTag is a tag that names a version for one platform only.
type PlatformTag struct {
	Platform Platform
	Tag      string
}

// Candidates gathers the versions among tags, the one to prefer first: by
// precedence, highest first; where that is equal, those without a leading v
// before those with one, and the greatest build metadata in ASCII order first
// (semantic versioning gives build metadata no order; any fixed one will do,
// so that everybody locks the same). A version that is there with and without
// v is one candidate, named by the tag without.
func Candidates(tags []string) []Candidate {
	type entry struct {
		Candidate
		v         bool // all tags have a leading v
		platforms map[Platform]Tag
	}
	byVersion := map[string]*entry{}
	for _, name := range tags {
		t, ok := ParseTag(name)
		if !ok {
			continue
		}
		key := t.Version.String()
		e := byVersion[key]
		if e == nil {
			e = &entry{Candidate: Candidate{Version: t.Version}, v: true, platforms: map[Platform]Tag{}}
			byVersion[key] = e
		}
		e.v = e.v && t.hasV()
		switch old, have := e.platforms[t.Platform]; {
		case t.Platform.IsZero():
			if e.Tag == "" || !t.hasV() {
				e.Tag = t.Name
			}
		case !have || preferTag(t, old):
			e.platforms[t.Platform] = t
		}
	}
	entries := make([]*entry, 0, len(byVersion))
	for _, e := range byVersion {
		for p, t := range e.platforms {
			e.Platforms = append(e.Platforms, PlatformTag{p, t.Name})
		}
		slices.SortFunc(e.Platforms, func(a, b PlatformTag) int { return a.Platform.Compare(b.Platform) })
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b *entry) int {
		byV := 0
		if a.v != b.v {
			byV = 1
			if b.v {
				byV = -1
			}
		}
		return cmp.Or(b.Version.Compare(a.Version), byV, CompareVersions(b.Version, a.Version))
	})
	out := make([]Candidate, len(entries))
	for i, e := range entries {
		out[i] = e.Candidate
	}
	return out
}

// preferTag decides between two tags of one version and one platform
// (0.1.0-linux-arm64 and 0.1.0-linux-arm64-v8, with v and without).
func preferTag(a, b Tag) bool {
	if a.hasV() != b.hasV() {
		return b.hasV()
	}
	return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name)) < 0
}
