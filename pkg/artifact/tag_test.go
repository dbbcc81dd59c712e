package artifact_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestParseTag(t *testing.T) {
	for _, c := range []struct{ name, version, platform string }{
		{"0.0.1", "0.0.1", ""},
		{"v1.0.0", "1.0.0", ""},
		{"1.0.1_build.7", "1.0.1+build.7", ""},
		{"v1.0.0-rc.1_b", "1.0.0-rc.1+b", ""},
		{"0.0.1-linux-amd64", "0.0.1", "linux/amd64"},
		{"v0.0.1-darwin-arm64", "0.0.1", "darwin/arm64"},
		{"0.0.1-rc.1-linux-arm-v7", "0.0.1-rc.1", "linux/arm/v7"},
		{"0.0.1-linux-arm64-v8", "0.0.1", "linux/arm64"},
		{"1.0.1_build.7-linux-amd64", "1.0.1+build.7", "linux/amd64"},
		{"2026.11.1", "2026.11.1", ""},
		// No processor, none that is known, none at the end: prereleases.
		{"1.0.0-linux", "1.0.0-linux", ""},
		{"1.0.0-linux-pdp11", "1.0.0-linux-pdp11", ""},
		{"1.0.0-linux-amd64.1", "1.0.0-linux-amd64.1", ""},
		{"1.0.0-0.3.7", "1.0.0-0.3.7", ""},
		{"1.0.0-linux-amd64-linux-arm64", "1.0.0-linux-amd64", "linux/arm64"},
	} {
		tag, ok := artifact.ParseTag(c.name)
		if !ok || tag.Name != c.name || tag.Version.String() != c.version || tag.Platform.String() != c.platform {
			t.Errorf("ParseTag(%q) = %+v, %v", c.name, tag, ok)
		}
	}
	for _, name := range []string{
		"", "latest", "nightly", "0", "0.1", "v0", "v0.1", "2026.11", "1.0.0.0", "V1.0.0", "vv1.0.0", "v", "v-1.0.0",
		"sha256-" + strings.Repeat("a", 64), "sha256-" + strings.Repeat("a", 64) + ".sig",
		"01.0.0", "1.00.0", "1.0.01", "1.0.0-01", "1.0.0-", "1.0.0_", "1.0.0-_b", "1.0.0_a_b", "1.0.0-rc..1", "1.0.0_a..b", "1.0.0--linux-amd64",
		"1.0.0-linux-amd64_b_c", "18446744073709551616.0.0", "1.0.0+b", " 1.0.0", "1.0.0\n", "１.0.0", "latest-linux-amd64", "0.1-linux-amd64",
		"1.0.0-" + strings.Repeat("a", 128),
	} {
		if tag, ok := artifact.ParseTag(name); ok {
			t.Errorf("ParseTag(%q) = %v %v, which is not a version", name, tag.Version, tag.Platform)
		}
	}
}

func TestIsTag(t *testing.T) {
	for _, s := range []string{"latest", "1.0.0", "_x", "A-b.c_d", "azAZ09", strings.Repeat("a", 128)} {
		if !artifact.IsTag(s) {
			t.Errorf("IsTag(%q) = false", s)
		}
	}
	for _, s := range []string{"", ".x", "-x", "a+b", "a/b", "a:b", "a b", "ä", "a\x00", "../x", strings.Repeat("a", 129)} {
		if artifact.IsTag(s) {
			t.Errorf("IsTag(%q) = true", s)
		}
	}
}

func TestVersionTag(t *testing.T) {
	if got := artifact.VersionTag(semver.MustParse("1.0.0-rc.1+b.7")); got != "1.0.0-rc.1_b.7" {
		t.Errorf("VersionTag = %q", got)
	}
}

// candidates writes them as "VERSION=TAG" with each platform's tag behind.
func candidates(tags []string) []string {
	var out []string
	for _, c := range artifact.Candidates(tags) {
		s := c.Version.String() + "=" + c.Tag
		for _, p := range c.Platforms {
			s += fmt.Sprintf(" %s=%s", p.Platform, p.Tag)
		}
		out = append(out, s)
	}
	return out
}

func TestCandidates(t *testing.T) {
	for _, c := range []struct {
		name string
		tags []string
		want []string
	}{
		{"none", nil, nil},
		{"floating tags only", []string{"latest", "0", "0.1", "nightly"}, nil},
		{"by precedence", []string{"0.9.0", "0.10.0", "1.0.0-rc.1", "1.0.0", "1.0.0-beta", "latest"},
			[]string{"1.0.0=1.0.0", "1.0.0-rc.1=1.0.0-rc.1", "1.0.0-beta=1.0.0-beta", "0.10.0=0.10.0", "0.9.0=0.9.0"}},
		{"v and plain are one, named without v", []string{"v1.0.0", "1.0.0"}, []string{"1.0.0=1.0.0"}},
		{"v alone", []string{"v1.0.0"}, []string{"1.0.0=v1.0.0"}},
		{"without v before with, then the greatest build", []string{"v1.0.0_z", "1.0.0_a", "1.0.0", "1.0.0_b", "1.0.0_B", "v1.0.0_y"},
			[]string{"1.0.0+b=1.0.0_b", "1.0.0+a=1.0.0_a", "1.0.0+B=1.0.0_B", "1.0.0=1.0.0", "1.0.0+z=v1.0.0_z", "1.0.0+y=v1.0.0_y"}},
		{"build metadata is compared as text", []string{"1.0.0_9", "1.0.0_10"}, []string{"1.0.0+9=1.0.0_9", "1.0.0+10=1.0.0_10"}},
		{"platforms", []string{"0.1.0-linux-arm64", "0.1.0-linux-amd64", "0.1.0"},
			[]string{"0.1.0=0.1.0 linux/amd64=0.1.0-linux-amd64 linux/arm64=0.1.0-linux-arm64"}},
		{"platforms without a tag for all", []string{"0.1.0-linux-arm64", "0.2.0"},
			[]string{"0.2.0=0.2.0", "0.1.0= linux/arm64=0.1.0-linux-arm64"}},
		{"one platform by two tags", []string{"v0.1.0-linux-arm64", "0.1.0-linux-arm64-v8", "0.1.0-linux-arm64"},
			[]string{"0.1.0= linux/arm64=0.1.0-linux-arm64"}},
		{"v for all, plain for a platform", []string{"v0.1.0", "0.1.0-linux-amd64"},
			[]string{"0.1.0=v0.1.0 linux/amd64=0.1.0-linux-amd64"}},
		{"a platform of a prerelease", []string{"0.1.0-rc.1-linux-amd64", "0.1.0"},
			[]string{"0.1.0=0.1.0", "0.1.0-rc.1= linux/amd64=0.1.0-rc.1-linux-amd64"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tags := slices.Clone(c.tags)
			for range 10 { // registries list in any order
				if got := candidates(tags); !slices.Equal(got, c.want) {
					t.Errorf("of %q\n got %q\nwant %q", tags, got, c.want)
				}
				rand.Shuffle(len(tags), func(i, j int) { tags[i], tags[j] = tags[j], tags[i] })
			}
		})
	}
}

func FuzzParseTag(f *testing.F) {
	for _, s := range []string{"v1.0.0", "1.0.1_build.7", "0.1", "0.0.1-rc.1-linux-arm-v7", "sha256-aa", "1.0.0-linux-amd64_b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tag, ok := artifact.ParseTag(s)
		if !ok {
			return
		}
		if !artifact.IsTag(s) {
			t.Fatalf("%q is read as a version and is not a tag", s)
		}
		// The tag that this program would write for it names the same.
		written := artifact.VersionTag(tag.Version)
		if !tag.Platform.IsZero() {
			written += "-" + tag.Platform.Suffix()
		}
		again, ok := artifact.ParseTag(written)
		if !ok || again.Version.String() != tag.Version.String() || again.Platform != tag.Platform {
			t.Fatalf("%q is %v %v, and %q is %v %v", s, tag.Version, tag.Platform, written, again.Version, again.Platform)
		}
	})
}
