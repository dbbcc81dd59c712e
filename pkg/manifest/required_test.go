package manifest

import (
	"errors"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

func TestRequiredVersion(t *testing.T) {
	for _, c := range []struct {
		version, required string
		met               bool
	}{
		{"0.3.0", ">=0.3", true},
		{"v0.3.1", ">=0.3, <0.4", true},
		{"0.2.9", ">=0.3", false},
		{"1.0.0", "^0.3", false},
		// what comes before a release, and git's commits since one, count as it
		{"0.3.0-rc.1", ">=0.3", true},
		{"v0.3.0-12-g327d0b6-dirty", ">=0.3, <0.4", true},
		{"v0.2.0-12-g327d0b6", ">=0.3", false},
		{"0.3.0+build.7", "=0.3.0", true},
		// what no release names counts as the one that this source becomes
		{"dev", "=" + Release, true},
		{"327d0b6", ">" + Release, false},
		{"", ">=99", false},
	} {
		m, err := ParseFor(c.version, "m.toml", []byte("unknown-key = 1\nrequired-version = \""+c.required+"\"\n[plugins\n"))
		var invalid *diag.Error
		if m != nil || !errors.As(err, &invalid) {
			t.Fatalf("%v, %v", m, err)
		}
		unmet, ok := errors.AsType[*RequiredVersionError](invalid.Problems[0].Cause)
		if ok == c.met || ok && (len(invalid.Problems) != 1 || unmet.Version != c.version || unmet.Required != c.required || invalid.Problems[0].Line != 2) {
			t.Errorf("%s of %s: %v", c.required, c.version, err)
		}
	}
}

func TestRequiredVersionError(t *testing.T) {
	for version, want := range map[string]string{
		"0.2.0":  "this program is 0.2.0 and the manifest needs >=9",
		"v0.2.0": "this program is v0.2.0 and the manifest needs >=9",
		"dev":    "this program is dev, which counts as " + Release + ", and the manifest needs >=9",
		"":       "this program is " + Release + " and the manifest needs >=9",
	} {
		if got := (&RequiredVersionError{version, ">=9"}).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
