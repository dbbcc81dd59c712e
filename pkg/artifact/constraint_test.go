package artifact_test

import (
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestConstraintCheck(t *testing.T) {
	for _, c := range []struct{ constraint, yes, no string }{
		// What is pinned with its build is that build.
		{"=1.2.3+b1", "1.2.3+b1", "1.2.3 1.2.3+b2 1.2.3+b1.1 1.2.3+B1 1.2.4+b1"},
		{"1.2.3+b1", "1.2.3+b1", "1.2.3 1.2.3+b2"},
		{"= v1.2.3+b1", "1.2.3+b1", "1.2.3+b2"},
		{"v1.2.3+b-1.x", "1.2.3+b-1.x", "1.2.3+b-1"},
		{"=1.2.3-rc.1+b1", "1.2.3-rc.1+b1", "1.2.3-rc.1+b2 1.2.3-rc.1 1.2.3+b1"},
		{"=1.2.3+b1 || =1.2.3+b2", "1.2.3+b1 1.2.3+b2", "1.2.3+b3 1.2.3"},
		{"=1.2.3+b1 || ^2", "1.2.3+b1 2.0.0 2.0.0+b2", "1.2.3+b2"},
		{">=1, =1.2.3+b1", "1.2.3+b1", "1.2.3+b2 1.3.0+b1"},
		{"=1.2.3+b1, =1.2.3+b2", "", "1.2.3 1.2.3+b1 1.2.3+b2"},
		// Anything else is a matter of precedence, in which builds are equal.
		{"=1.2.3", "1.2.3 1.2.3+b1", "1.2.4"},
		{"1.2", "1.2.3+b1", "1.3.0"},
		{">=1.2.3+b2", "1.2.3 1.2.3+b1 1.2.4", "1.2.2+b3"},
		{">= 1.2.3+b2", "1.2.3+b1", "1.2.2+b3"},
		{"^1.2.3+b2", "1.2.3+b1 1.9.0", "2.0.0"},
		{"~1.2.3+b2", "1.2.3+b1 1.2.9", "1.3.0"},
		{"!=1.2.3+b2", "1.2.4+b2", "1.2.3+b2 1.2.3+b1"},
		{"1.2.3+b1 - 1.4.0+b2", "1.2.3 1.3.0+b9 1.4.0+b1", "1.4.1"},
		{"^1", "1.0.0", "2.0.0-rc.1 1.1.0-rc.1"},
	} {
		parsed, err := artifact.ParseConstraint(c.constraint)
		if err != nil {
			t.Errorf("%s: %v", c.constraint, err)
			continue
		}
		for _, v := range strings.Fields(c.yes) {
			if !parsed.Check(semver.MustParse(v)) {
				t.Errorf("%s does not admit %s", c.constraint, v)
			}
		}
		for _, v := range strings.Fields(c.no) {
			if parsed.Check(semver.MustParse(v)) {
				t.Errorf("%s admits %s", c.constraint, v)
			}
		}
	}
}

func TestConstraintPrerelease(t *testing.T) {
	c, err := artifact.ParseConstraint("^1 || =2.0.0+b1")
	if err != nil {
		t.Fatal(err)
	}
	if c.Check(semver.MustParse("1.1.0-rc.1")) {
		t.Error("a prerelease is admitted unasked")
	}
	c.Prerelease = true
	if !c.Check(semver.MustParse("1.1.0-rc.1")) || c.Check(semver.MustParse("2.0.0+b2")) {
		t.Error("with prereleases: 1.1.0-rc.1 is not admitted, or 2.0.0+b2 is")
	}
}

func TestCompareVersions(t *testing.T) {
	in := "1.0.0-rc.1+z 1.0.0 1.0.0+a 1.0.0+b 1.0.1+a"
	var before *semver.Version
	for _, s := range strings.Fields(in) {
		v := semver.MustParse(s)
		if before != nil && (artifact.CompareVersions(before, v) != -1 || artifact.CompareVersions(v, before) != 1) {
			t.Errorf("%s is not before %s", before, v)
		}
		before = v
	}
}
