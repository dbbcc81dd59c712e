package resolve

import (
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// parseConstraint returns nil where s is none, which releases and locks are
// checked for when they are read.
func parseConstraint(s string, prerelease bool) *artifact.Constraint {
	c, err := artifact.ParseConstraint(s)
	if err != nil {
		return nil
	}
	c.Prerelease = prerelease
	return c
}

// meets reports whether a version satisfies what another plugin requires of it.
// A release that states no version was pinned by the manifest's author, who
// alone can know; it is taken to satisfy.
func meets(version *semver.Version, requirement string, prerelease bool) bool {
	c := parseConstraint(requirement, prerelease)
	return c != nil && (version == nil || c.Check(version))
}

// hostMeets reports whether the manifest's host version satisfies what a release
// requires of the host. A host that is a prerelease was declared on purpose,
// so it is compared like any other version.
func hostMeets(host *semver.Version, requirement string) bool {
	return meets(host, requirement, true)
}

// Caret returns the constraint that people would write to admit a version and
// the compatible ones after it.
func Caret(v *semver.Version) string {
	if v.Prerelease() != "" || v.Major() == 0 && v.Minor() == 0 {
		return "^" + withoutBuild(v)
	}
	return "^" + minorOf(v)
}

// minorOf returns X.Y, which people write where any patch will do.
func minorOf(v *semver.Version) string {
	text := withoutBuild(v)
	return text[:strings.LastIndexByte(text, '.')]
}

func withoutBuild(v *semver.Version) string {
	text, _, _ := strings.Cut(v.String(), "+")
	return text
}

// mentioned returns the versions that a constraint's text names.
func mentioned(constraint string) []*semver.Version {
	var out []*semver.Version
	for _, word := range strings.FieldsFunc(constraint, func(c rune) bool { return strings.ContainsRune(" ,|<>=!~^", c) }) {
		word = strings.TrimPrefix(word, "v")
		if v, err := semver.NewVersion(strings.NewReplacer(".x", "", ".X", "", ".*", "").Replace(word)); err == nil {
			out = append(out, v)
		}
	}
	return out
}

// nearest returns the version closest to those that a constraint names, nil
// if there is none. Of two at the same distance it is the first.
func nearest(versions []*semver.Version, constraint string) *semver.Version {
	var best *semver.Version
	var bestAt [3]uint64
	for _, m := range mentioned(constraint) {
		for _, v := range neighbours(versions, m) {
			at := distance(v, m)
			if best == nil || less(at, bestAt) {
				best, bestAt = v, at
			}
		}
	}
	return best
}

// neighbours returns the greatest version up to a mark and the smallest from
// it: nothing else can be nearest.
func neighbours(versions []*semver.Version, mark *semver.Version) []*semver.Version {
	var below, above *semver.Version
	for _, v := range versions {
		if c := v.Compare(mark); c <= 0 && (below == nil || v.GreaterThan(below)) {
			below = v
		} else if c > 0 && (above == nil || v.LessThan(above)) {
			above = v
		}
	}
	var out []*semver.Version
	for _, v := range []*semver.Version{above, below} {
		if v != nil {
			out = append(out, v)
		}
	}
	return out
}

// distance reports how far two versions are apart, in major versions before
// minor ones before patches.
func distance(a, b *semver.Version) [3]uint64 {
	apart := func(x, y uint64) uint64 { return max(x, y) - min(x, y) }
	return [3]uint64{apart(a.Major(), b.Major()), apart(a.Minor(), b.Minor()), apart(a.Patch(), b.Patch())}
}

func less(a, b [3]uint64) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}
