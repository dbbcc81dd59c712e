package manifest

import (
	"fmt"
	"path"
	"runtime"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/duration"
)

func decodePlatforms(v *diag.Value) []artifact.Platform {
	items, ok := v.AsStrings()
	if ok && len(items) == 0 {
		v.Problem("is empty: leave it out for all the platforms that a release offers")
	}
	var platforms []artifact.Platform
	first := map[artifact.Platform]string{}
	for _, item := range items {
		p, err := artifact.ParsePlatform(item.Text)
		if err != nil {
			item.Problem("%s", platformProblem(item.Text, err))
			continue
		}
		if earlier, twice := first[p]; twice {
			item.Problem("%q is in the list already, as %q", item.Text, earlier)
			continue
		}
		first[p] = item.Text
		platforms = append(platforms, p)
	}
	return platforms
}

// platformProblem adds to the error the platform that was probably meant.
func platformProblem(text string, err error) string {
	s := err.Error()
	spelt := strings.NewReplacer("macos/", "darwin/", "osx/", "darwin/").Replace(strings.ToLower(text))
	if p, err := artifact.ParseMachine(spelt); err == nil {
		return s + ", did you mean " + p.String() + "?"
	}
	common := []string{
		"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64",
		"linux/386", "linux/arm/v7", "linux/ppc64le", "linux/riscv64", "linux/s390x",
	}
	if near, ok := diag.Nearest(spelt, common); ok {
		return s + ", did you mean " + near + "?"
	}
	return s
}

func (m *Manifest) decodeDir(v *diag.Value) {
	dir, ok := v.AsString()
	if !ok {
		return
	}
	if reason := localProblem(dir); reason != "" {
		v.Problem("%q %s", dir, reason)
		return
	}
	m.Dir, m.dir = dir, v
}

// localProblem says why a path with slashes does not stay below the folder that
// it is relative to, on any operating system, or why this one has no such path; ""
// where all is well.
func localProblem(p string) string { return localProblemOn(runtime.GOOS, p) }

func localProblemOn(goos, p string) string {
	segments := strings.Split(p, "/")
	switch {
	case p == "":
		return "is empty"
	case strings.Contains(p, `\`):
		return "has a backslash in it: write slashes"
	case strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has a control character in it"
	case path.IsAbs(p) || segments[0] == "~" || strings.Contains(p, ":"):
		return "leads out of the manifest's folder: write a path relative to that"
	}
	for _, s := range segments {
		if s == ".." {
			return "leads out of the manifest's folder: .. is not allowed"
		}
		if goos == "windows" && !windowsHas(s) {
			return fmt.Sprintf("has %q in it, which is not a valid name on Windows", s)
		}
	}
	return ""
}

// windowsHas reports whether Windows can have a file of this name
// (https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file).
func windowsHas(name string) bool {
	if name == "." || name == "" {
		return true
	}
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	stem = strings.TrimRight(stem, " ")
	switch stem {
	case "con", "prn", "aux", "nul":
		return false
	}
	if port, ok := strings.CutPrefix(stem, "com"); ok && isPort(port) {
		return false
	}
	if port, ok := strings.CutPrefix(stem, "lpt"); ok && isPort(port) {
		return false
	}
	return !strings.ContainsAny(name, `<>"|?*`) && !strings.HasSuffix(name, ".") && !strings.HasSuffix(name, " ")
}

func isPort(s string) bool { return len(s) == 1 && s[0] >= '1' && s[0] <= '9' }

func (m *Manifest) decodeHost(v *diag.Value) {
	s, ok := v.AsString()
	if !ok {
		return
	}
	full := s
	if strings.Count(s, ".") == 1 && !strings.ContainsAny(s, "-+") {
		full += ".0"
	}
	version, err := semver.StrictNewVersion(full)
	if err != nil {
		v.Problem("%q is not a version: write X.Y or X.Y.Z", s)
		return
	}
	m.SchemaHero, m.SchemaHeroPos = version, v.Position()
}

func decodeAge(v *diag.Value) (age time.Duration, ok bool) {
	if v != nil && v.Kind == diag.Integer {
		v.Problem(`%s has no unit: write hours or days, like "72h" or "3d"`, v.Text)
		return 0, false
	}
	s, ok := v.AsString()
	if !ok {
		return 0, false
	}
	if age, ok = duration.Parse(s); !ok {
		v.Problem(`%q is not a duration: write hours or days, like "72h" or "3d"`, s)
	}
	return age, ok
}
