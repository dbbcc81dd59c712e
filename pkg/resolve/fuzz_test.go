package resolve

import (
	"testing"

	"github.com/Masterminds/semver/v3"
)

// The constraint that is proposed for a version admits it, and of several
// versions one that a constraint names is the nearest to it.
func FuzzConstraint(f *testing.F) {
	for _, s := range []string{"^0.1", ">=1.0.0-0, <2 || 3.x", "1.2.3 - 2", "~>1.2.*", "=1.2.3+b1"} {
		f.Add(s, "1.2.3-rc.1+b")
		f.Add(s, "0.0.7")
	}
	f.Fuzz(func(t *testing.T, constraint, version string) {
		v, err := semver.StrictNewVersion(version)
		if err != nil {
			return
		}
		if c := parseConstraint(Caret(v), false); c == nil || !c.Check(v) {
			t.Errorf("%s does not admit %s", Caret(v), v)
		}
		all := []*semver.Version{semver.MustParse("0.0.0-0"), v, semver.MustParse("999.0.0")}
		near := nearest(all, constraint)
		if near == nil && len(mentioned(constraint)) > 0 {
			t.Errorf("nothing is near %q", constraint)
		}
		if got := nearest(all, "="+v.String()); got != nil && !got.Equal(v) {
			t.Errorf("%s is nearer to itself than %s", v, got)
		}
	})
}
