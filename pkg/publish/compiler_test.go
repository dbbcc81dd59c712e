package publish

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestCompiler(t *testing.T) {
	for name, tt := range map[string]struct {
		platform, host string
		env            string // of CC variables
		commands       string // on PATH
		want           string // "" for none
	}{
		"own, by name":                 {"linux/amd64", "linux/amd64", "", "clang gcc", "gcc"},
		"own, only Debian's":           {"linux/arm64", "linux/arm64", "", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc"},
		"own, CC":                      {"linux/amd64", "linux/amd64", "CC=zig\x00cc", "gcc", "zig cc"},
		"own, both variables":          {"linux/amd64", "linux/amd64", "CC=a CC_linux_amd64=b", "gcc", "b"},
		"foreign, by name":             {"linux/arm64", "linux/amd64", "", "gcc aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc"},
		"foreign, variable":            {"linux/arm64", "linux/amd64", "CC_linux_arm64=b", "gcc aarch64-linux-gnu-gcc", "b"},
		"foreign, CC is not for it":    {"linux/arm64", "linux/amd64", "CC=a", "gcc", ""},
		"foreign, another's variable":  {"linux/arm64", "linux/amd64", "CC_linux_arm=b", "gcc", ""},
		"old ARM":                      {"linux/arm/v6", "linux/amd64", "", "arm-linux-gnueabihf-gcc arm-linux-gnueabi-gcc", "arm-linux-gnueabi-gcc"},
		"Windows":                      {"windows/amd64", "linux/amd64", "", "x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-gcc"},
		"Apple, from Linux":            {"darwin/arm64", "linux/amd64", "", "gcc clang", ""},
		"Apple, its other processor":   {"darwin/amd64", "darwin/arm64", "", "clang", "clang"},
		"Apple, CC is one processor's": {"darwin/amd64", "darwin/arm64", "CC=a", "clang", "clang"},
	} {
		dir := t.TempDir()
		for _, c := range strings.Fields(tt.commands) {
			if runtime.GOOS == "windows" {
				c += ".exe"
			}
			if err := os.WriteFile(filepath.Join(dir, c), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		env := []string{"PATH=" + dir}
		for _, e := range strings.Fields(tt.env) {
			env = append(env, strings.ReplaceAll(e, "\x00", " "))
		}
		cc, missing := compiler("native", platform(t, tt.platform), platform(t, tt.host), env)
		if cc != tt.want || (missing == nil) != (tt.want != "") {
			t.Errorf("%s: %q, missing %+v, want %q", name, cc, missing, tt.want)
		}
	}
}

func platform(t *testing.T, s string) artifact.Platform {
	t.Helper()
	p, err := artifact.ParsePlatform(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Debian has these packages; a name that it does not have would send a user
// after nothing.
func TestDebianPackages(t *testing.T) {
	for p, want := range map[string]string{
		"linux/amd64": "gcc-x86-64-linux-gnu", "linux/arm64": "gcc-aarch64-linux-gnu", "linux/arm/v7": "gcc-arm-linux-gnueabihf",
		"linux/386": "gcc-i686-linux-gnu", "windows/amd64": "gcc-mingw-w64-x86-64", "freebsd/amd64": "",
	} {
		if _, pkg := debian(platform(t, p)); pkg != want {
			t.Errorf("%s: %q, want %q", p, pkg, want)
		}
	}
}

func TestGoEnv(t *testing.T) {
	env := []string{"PATH=/bin", "GOOS=plan9", "GOARCH=mips", "GOARM=5", "CC=cc", "CGO_ENABLED=0", "GOFLAGS=-mod=vendor"}
	for p, want := range map[string]string{
		"linux/amd64":    "PATH=/bin GOFLAGS=-mod=vendor GOOS=linux GOARCH=amd64",
		"linux/amd64/v3": "PATH=/bin GOFLAGS=-mod=vendor GOOS=linux GOARCH=amd64 GOAMD64=v3",
		"linux/arm/v7":   "PATH=/bin GOFLAGS=-mod=vendor GOOS=linux GOARCH=arm GOARM=7",
		"linux/arm64/v9": "PATH=/bin GOFLAGS=-mod=vendor GOOS=linux GOARCH=arm64 GOARM64=v9.0",
	} {
		if got := strings.Join(goEnv(env, platform(t, p)), " "); got != want {
			t.Errorf("%s: %s, want %s", p, got, want)
		}
	}
}
