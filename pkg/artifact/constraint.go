package artifact

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/Masterminds/semver/v3"
)

// Constraint is what a manifest or a release asks of a version, in the language
// of Masterminds semver v3
// (https://pkg.go.dev/github.com/Masterminds/semver/v3#readme-checking-version-constraints)
// with one rule more: =X.Y.Z+BUILD, or X.Y.Z+BUILD alone, means exactly that
// build. Semantic versioning gives build metadata no precedence, so that
// Masterminds takes any build of the version.
type Constraint struct {
	// Prerelease admits prereleases within the ranges also if the constraint
	// names none.
	Prerelease bool

	alternatives []alternative
}

// alternative is one part of a constraint, of those between "||"; all of them
// together if none names a build.
type alternative struct {
	ranges *semver.Constraints
	builds []string // build metadata that a version must have
}

// ParseConstraint reads a constraint. The error is Masterminds'.
func ParseConstraint(s string) (*Constraint, error) {
	whole, err := semver.NewConstraint(s)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(s, "+") { // as most are
		return &Constraint{alternatives: []alternative{{ranges: whole}}}, nil
	}
	c := &Constraint{}
	for part := range strings.SplitSeq(s, "||") {
		ranges, err := semver.NewConstraint(part)
		if err != nil {
			return nil, err
		}
		c.alternatives = append(c.alternatives, alternative{ranges, exactBuilds(part)})
	}
	return c, nil
}

// exactBuilds returns the build metadata of the versions that a constraint
// names with = or no operator. The ends of a range, A - B, are none of these.
func exactBuilds(s string) []string {
	word := regexp.MustCompile(`([!<>=~^]*)\s*v?[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?\+([0-9A-Za-z.-]+)`)
	var builds []string
	for _, at := range word.FindAllStringSubmatchIndex(s, -1) {
		before, after := strings.TrimSpace(s[:at[0]]), strings.TrimSpace(s[at[1]:])
		operator := s[at[2]:at[3]]
		if (operator == "" || operator == "=") && !strings.HasSuffix(before, "-") && !strings.HasPrefix(after, "-") {
			builds = append(builds, s[at[4]:at[5]])
		}
	}
	return builds
}

// Check reports whether a version satisfies the constraint.
func (c *Constraint) Check(v *semver.Version) bool {
	return slices.ContainsFunc(c.alternatives, func(a alternative) bool {
		ranges := *a.ranges
		ranges.IncludePrerelease = c.Prerelease
		return ranges.Check(v) && !slices.ContainsFunc(a.builds, func(build string) bool { return build != v.Metadata() })
	})
}

// IsConstraint reports whether s is a constraint, on one line.
func IsConstraint(s string) bool {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return false
	}
	_, err := ParseConstraint(s)
	return err == nil
}

// CompareVersions orders versions by precedence, and builds of one version by
// their metadata in ASCII order: semantic versioning gives that no order, but
// everybody shall lock the same.
func CompareVersions(a, b *semver.Version) int {
	return cmp.Or(a.Compare(b), cmp.Compare(a.Metadata(), b.Metadata()))
}
