package publish_test

import (
	dbg "debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

var host = artifact.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}

// tree writes a source tree of two drivers: pure, which needs only Go, and
// native, which calls C in a module that it uses.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"plugins/pure/go.mod":     "module example.com/pure\n\ngo 1.26\n",
		"plugins/pure/main.go":    "package main\n\nvar version = \"none\"\n\nfunc main() { println(version) }\n",
		"plugins/pure/VERSION":    "v0.2.0\n",
		"plugins/native/go.mod":   "module example.com/native\n\ngo 1.26\n\nrequire example.com/c v0.0.0\n\nreplace example.com/c => ./c\n",
		"plugins/native/main.go":  "package main\n\nimport \"example.com/c\"\n\nfunc main() { println(c.Answer()) }\n",
		"plugins/native/c/go.mod": "module example.com/c\n\ngo 1.26\n",
		"plugins/native/c/c.go":   "package c\n\n// static int answer(void) { return 42; }\nimport \"C\"\n\nfunc Answer() int { return int(C.answer()) }\n",
		"plugins/lib/lib.go":      "package lib\n",
		"plugins/Makefile":        "all:\n",
		"VERSION":                 "1.0.0-rc.1",
	} {
		write(t, filepath.Join(dir, name), []byte(text), 0o644)
	}
	return dir
}

func TestListDrivers(t *testing.T) {
	names, err := publish.ListDrivers(tree(t))
	if want := []string{"native", "pure"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("drivers %v, %v, want %v", names, err, want)
	}
	if names, err := publish.ListDrivers(t.TempDir()); err != nil || len(names) != 0 {
		t.Errorf("without plugins: %v, %v", names, err)
	}
}

// Two checkouts give one release, in every byte.
func TestBuildIsReproducible(t *testing.T) {
	needs(t, "go")
	for _, tt := range []struct{ name, version, says string }{{"pure", "0.2.0", "0.2.0\n"}, {"native", "1.0.0-rc.1", "42\n"}} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath("gcc"); tt.name == "native" && err != nil && os.Getenv("CI") == "" {
				t.Skip("no C compiler here; in CI there must be one")
			}
			var sums []string
			for range 2 {
				source, dist := tree(t), filepath.Join(t.TempDir(), "dist")
				// What the caller's environment says of the target is not meant.
				built, err := publish.Build(t.Context(), publish.BuildOptions{Source: source, Dist: dist, Names: []string{tt.name},
					Platforms: []artifact.Platform{host}, Host: host, Install: filepath.Join(source, "plugins", "bin"), Env: goEnv("GOOS=plan9", "CGO_ENABLED=0")})
				if err != nil {
					t.Fatal(err)
				}
				b := built[0]
				if len(built) != 1 || b.Name != tt.name || b.Version != tt.version || (b.Compiler != "") != (tt.name == "native") {
					t.Fatalf("built %+v", built)
				}
				sum, err := os.ReadFile(filepath.Join(dist, b.Title+".sha256"))
				if err != nil || string(sum) != b.Sum() {
					t.Errorf("checksum file %q, %v, want %q", sum, err, b.Sum())
				}
				sums = append(sums, string(sum))
				if out, err := exec.Command(b.Installed).CombinedOutput(); err != nil || string(out) != tt.says {
					t.Errorf("%s says %q, %v, want %q", b.Installed, out, err, tt.says)
				}
				if runtime.GOOS == "linux" {
					static(t, b.Installed)
				}
				files, err := publish.FromDist(dist, tt.name)
				if err != nil || len(files) != 1 || files[host] != filepath.Join(dist, b.Title) {
					t.Errorf("dist holds %v, %v", files, err)
				}
				if left, _ := os.ReadDir(dist); len(left) != 2 {
					t.Errorf("dist holds %v", left)
				}
			}
			if sums[0] != sums[1] {
				t.Errorf("two builds gave\n%s", strings.Join(sums, ""))
			}
		})
	}
}

// static fails if an executable asks for a loader or a library.
func static(t *testing.T, file string) {
	t.Helper()
	f, err := dbg.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libs, _ := f.ImportedLibraries()
	if interp := slices.ContainsFunc(f.Progs, func(p *dbg.Prog) bool { return p.Type == dbg.PT_INTERP }); interp || len(libs) > 0 {
		t.Errorf("%s is not a static executable: loader %v, libraries %v", file, interp, libs)
	}
}

func TestMissingCompiler(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("test: a folder with Go alone is one with a link to it")
	}
	source := tree(t)
	// A PATH with Go alone: no compiler goes by any name.
	path := t.TempDir()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(goTool, filepath.Join(path, "go")); err != nil {
		t.Fatal(err)
	}
	built, err := publish.Build(t.Context(), publish.BuildOptions{Source: source, Dist: t.TempDir(), Names: []string{"native", "pure"},
		Platforms: []artifact.Platform{amd64, arm64, {OS: "darwin", Arch: "arm64"}}, Host: amd64, Env: goEnv("PATH="+path, "CC=")})
	var missing *publish.CompilerError
	if !errors.As(err, &missing) {
		t.Fatalf("built %+v, error %v", built, err)
	}
	want := `native: needs cgo, and there is no C compiler for darwin/arm64, and CC_darwin_arm64 is not set
native: needs cgo, and there is no C compiler for linux/amd64: no gcc, cc, clang, x86_64-linux-gnu-gcc on PATH, and CC_linux_amd64 is not set
native: needs cgo, and there is no C compiler for linux/arm64: no aarch64-linux-gnu-gcc on PATH, and CC_linux_arm64 is not set`
	if err.Error() != want || missing.Missing[2].Package != "gcc-aarch64-linux-gnu" {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
	if len(built) != 3 || built[0].Name != "pure" { // the driver that needs none is there
		t.Errorf("built %+v", built)
	}
}

// What a killed build left is removed by the next one, and what another build is
// at work in is not.
func TestBuildSweeps(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders are not locked there")
	}
	o := publish.BuildOptions{Source: tree(t), Dist: t.TempDir(), Names: []string{"pure"}, Platforms: []artifact.Platform{host}, Host: host, Env: goEnv()}
	write(t, filepath.Join(o.Dist, ".schemahero-build-123", "schemahero-pure"), []byte("x"), 0o755)
	inner := o
	inner.Names, inner.Version = []string{"pure"}, "2.0.0"
	var once sync.Once
	var during []string
	o.Events = func(e publish.Event) {
		if e.Stage != publish.StagePack {
			return
		}
		once.Do(func() { // the outer's executable lies in its folder by now
			if _, err := publish.Build(t.Context(), inner); err != nil {
				t.Error(err)
			}
			during, _ = filepath.Glob(filepath.Join(o.Dist, ".schemahero-build-*"))
		})
	}
	if _, err := publish.Build(t.Context(), o); err != nil {
		t.Error(err)
	}
	if len(during) != 1 || filepath.Base(during[0]) == ".schemahero-build-123" {
		t.Errorf("while a build is at work: %v", during)
	}
	if left, _ := os.ReadDir(o.Dist); len(left) != 2 {
		t.Errorf("dist holds %v", left)
	}
}

// Tags of GOFLAGS hold for what is linked statically as well.
func TestBuildTags(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil && os.Getenv("CI") == "" {
		t.Skip("no C compiler here; in CI there must be one")
	}
	source := tree(t)
	write(t, filepath.Join(source, "plugins/native/more.go"), []byte("//go:build more && !less\n\npackage main\n\nfunc init() { println(\"more\") }\n"), 0o644)
	for flags, want := range map[string]string{"": "42\n", "-tags=more": "more\n42\n", "-mod=mod --tags=a,more": "more\n42\n", "-tags=less -tags=more": "more\n42\n"} {
		built, err := publish.Build(t.Context(), publish.BuildOptions{Source: source, Dist: t.TempDir(), Names: []string{"native"},
			Platforms: []artifact.Platform{host}, Host: host, Install: t.TempDir(), Env: goEnv("GOFLAGS=" + flags)})
		if err != nil {
			t.Errorf("%q: %v", flags, err)
			continue
		}
		if out, err := exec.Command(built[0].Installed).CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("%q: says %q, %v, want %q", flags, out, err, want)
		}
	}
}
