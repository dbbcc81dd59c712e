package publish_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

func TestVersionOf(t *testing.T) {
	needs(t, "git")
	source := tree(t)
	check := func(what, driver, want string) {
		t.Helper()
		if got, err := publish.VersionOf(t.Context(), source, driver, goEnv()); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", what, got, err, want)
		}
	}
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", source, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	check("its own file", "pure", "0.2.0")
	check("the tree's file", "native", "1.0.0-rc.1")

	write(t, filepath.Join(source, "VERSION"), []byte("\xff\xfe2\x00.\x000\x00.\x001\x00\r\x00\n\x00"), 0o644)
	check("as PowerShell writes it", "native", "2.0.1")
	write(t, filepath.Join(source, "VERSION"), []byte("one"), 0o644)
	_, err := publish.VersionOf(t.Context(), source, "native", goEnv())
	var file *publish.FileError
	if !errors.As(err, &file) || file.File != filepath.Join(source, "VERSION") {
		t.Errorf("a file that holds no version: %v", err)
	}
	if err := os.Remove(filepath.Join(source, "VERSION")); err != nil {
		t.Fatal(err)
	}
	git("init", "-q")
	git("add", "-A")
	git("commit", "-qm", "first")
	_, err = publish.VersionOf(t.Context(), source, "native", goEnv())
	var none *publish.NoVersionError
	if !errors.As(err, &none) {
		t.Errorf("no tag: %v", err)
	}
	git("tag", "nightly")
	git("tag", "v0.9.0")
	check("tag", "native", "0.9.0")
	git("commit", "-qm", "second", "--allow-empty")
	if got, err := publish.VersionOf(t.Context(), source, "native", goEnv()); err != nil || !strings.HasPrefix(got, "0.9.0-1-g") {
		t.Errorf("behind a tag: %q, %v", got, err)
	}
	git("tag", "plugins/native/v1.2.3")
	check("the module's tag", "native", "1.2.3")
	git("tag", "v9.0.0")
	check("the module's tag beside another", "native", "1.2.3")
	git("commit", "-qm", "third", "--allow-empty")
	git("tag", "v9.1.0")
	behind := func(what, driver, want string) {
		t.Helper()
		if got, err := publish.VersionOf(t.Context(), source, driver, goEnv()); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, %v, want %s…", what, got, err, want)
		}
	}
	behind("the module's tag before a nearer one", "native", "1.2.3-1-g")
	if err := os.Remove(filepath.Join(source, "plugins/pure/VERSION")); err != nil {
		t.Fatal(err)
	}
	check("the tree's tag", "pure", "9.1.0")
	for _, beside := range []string{"v9", "v9.1", "9", "v9-foo", "v9.1.0-rc.1", "plugins/other/v99.0.0"} {
		git("tag", beside)
		check("beside "+beside, "pure", "9.1.0")
	}
	git("tag", "v9.1.1")
	check("the highest of a commit", "pure", "9.1.1")
	git("commit", "-qm", "fourth", "--allow-empty")
	git("tag", "v10", "-m", "moves along")
	behind("a tag nearer that is not a version", "pure", "9.1.1-1-g")
	git("tag", "v10.0.0+b")
	git("commit", "-qm", "fifth", "--allow-empty")
	behind("behind build metadata", "pure", "10.0.0-1-g")
}

func TestBuildRefuses(t *testing.T) {
	needs(t, "go")
	source := tree(t)
	write(t, filepath.Join(source, "plugins/broken/go.mod"), []byte("module example.com/broken\n\ngo 1.26\n"), 0o644)
	write(t, filepath.Join(source, "plugins/broken/main.go"), []byte("package main\n\nfunc main() { undefined() }\n"), 0o644)
	dist := t.TempDir()
	run := func(o publish.BuildOptions) error {
		o.Source, o.Dist, o.Platforms, o.Host = source, dist, []artifact.Platform{host}, host
		if o.Env == nil {
			o.Env = goEnv()
		}
		_, err := publish.Build(t.Context(), o)
		return err
	}
	var noDriver *publish.NoDriverError
	if err := run(publish.BuildOptions{Names: []string{"lib"}}); !errors.As(err, &noDriver) || strings.Join(noDriver.Found, " ") != "broken native pure" {
		t.Errorf("no program: %v", err)
	}
	var lint *publish.LintError
	if err := run(publish.BuildOptions{Names: []string{"../pure"}}); !errors.As(err, &lint) {
		t.Errorf("no name: %v", err)
	}
	if err := run(publish.BuildOptions{Names: []string{"pure"}, Version: "1.0"}); !errors.As(err, &lint) {
		t.Errorf("no version: %v", err)
	}
	var build *publish.BuildError
	var command *publish.CommandError
	if err := run(publish.BuildOptions{Names: []string{"broken"}}); !errors.As(err, &build) || build.Name != "broken" || !errors.As(err, &command) || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("what does not compile: %v", err)
	}
	var tool *publish.ToolError
	if err := run(publish.BuildOptions{Names: []string{"pure"}, Env: []string{"PATH=" + dist}}); !errors.As(err, &tool) || tool.Tool != "go" {
		t.Errorf("no Go: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := publish.Build(ctx, publish.BuildOptions{Source: source, Dist: dist, Names: []string{"pure"}, Platforms: []artifact.Platform{host}, Env: goEnv(),
		Events: func(publish.Event) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if left, _ := os.ReadDir(dist); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBuildReplacesOtherCompression(t *testing.T) {
	needs(t, "go")
	o := publish.BuildOptions{Source: tree(t), Dist: t.TempDir(), Names: []string{"pure"}, Platforms: []artifact.Platform{host}, Host: host, Env: goEnv()}
	for _, c := range []pack.Compression{pack.Gzip, pack.Zstd} {
		o.Compression = c
		built, err := publish.Build(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if files, err := publish.FromDist(o.Dist, "pure"); err != nil || files[host] != built[0].Path {
			t.Errorf("%s: dist holds %v, %v", c, files, err)
		}
	}
}

func TestListDist(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"schemahero-sqlite-linux-amd64.tar.gz", "schemahero-sqlite-linux-amd64.tar.gz.sha256", "schemahero-sqlite-linux-arm64.tar.gz",
		"schemahero-a-b-linux-arm-v7.tar.zst", "schemahero-mysql.tar.gz", "schemahero--linux-amd64.tar.gz", "sqlite-linux-amd64.tar.gz", "README"} {
		write(t, filepath.Join(dir, f), []byte("x"), 0o644)
	}
	names, err := publish.ListDist(dir)
	if want := []string{"a-b", "sqlite"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("drivers %v, %v, want %v", names, err, want)
	}
	for _, empty := range []string{t.TempDir(), filepath.Join(dir, "none")} {
		var none *publish.NoFilesError
		if _, err := publish.ListDist(empty); !errors.As(err, &none) || none.Name != "" || err.Error() != empty+": holds no schemahero-NAME-OS-ARCH.tar.gz" {
			t.Errorf("%s: %v", empty, err)
		}
	}
}

func TestFromDistRefuses(t *testing.T) {
	title := "schemahero-postgres-linux-amd64.tar.gz"
	zero := strings.Repeat("0", 64) + "  "
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing":       {map[string]string{"schemahero-mysql-linux-amd64.tar.gz": "x"}, "DIR: holds no schemahero-postgres-OS-ARCH.tar.gz"},
		"no checksum":   {map[string]string{title: "x"}, "DIR/" + title + ": has no " + title + ".sha256 beside it"},
		"other content": {map[string]string{title: "x", title + ".sha256": zero + title}, title + ": checksum mismatch"},
		"other name":    {map[string]string{title: "x", title + ".sha256": zero + "y"}, title + ".sha256: does not name " + title},
	} {
		dir := t.TempDir()
		for f, text := range tt.files {
			write(t, filepath.Join(dir, f), []byte(text), 0o644)
		}
		_, err := publish.FromDist(dir, "postgres")
		if want := strings.ReplaceAll(strings.ReplaceAll(tt.want, "DIR/", dir+string(filepath.Separator)), "DIR", dir); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	var none *publish.NoFilesError
	if _, err := publish.FromDist(filepath.Join(t.TempDir(), "dist"), "postgres"); !errors.As(err, &none) {
		t.Errorf("no folder: %v", err)
	}
}
