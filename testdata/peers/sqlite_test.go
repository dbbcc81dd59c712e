package peers

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// goEnvironment lets a command that has a home of its own build Go programs
// from the modules and packages that are there.
func goEnvironment(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOTOOLCHAIN", "GOFLAGS").Output()
	if err != nil {
		t.Fatal(err)
	}
	var vars map[string]string
	if err := json.Unmarshal(out, &vars); err != nil {
		t.Fatal(err)
	}
	var env []string
	for key, value := range vars {
		env = append(env, key+"="+value)
	}
	for _, e := range os.Environ() {
		if key, _, _ := strings.Cut(strings.ToLower(e), "="); strings.HasSuffix(key, "_proxy") {
			env = append(env, e)
		}
	}
	return env
}

// built is what build says of one archive.
type built struct {
	Platform, Path, Digest, Compiler string
}

// build has as much time as the whole test: with nothing compiled yet it takes
// minutes.
func (a *author) build(dist string, args ...string) []built {
	a.t.Helper()
	cmd := exec.CommandContext(a.t.Context(), suite.plugin, append([]string{"build", "--dist", dist, "-o", "json"}, args...)...)
	cmd.Dir, cmd.Env = a.dir, a.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		a.t.Fatalf("build: %v\n%s", err, stderr.String())
	}
	var out struct{ Items []built }
	if err := json.Unmarshal(stdout, &out); err != nil {
		a.t.Fatal(err)
	}
	return out.Items
}

// TestSQLite builds, publishes and installs a driver with SQLite in it, which
// is C, and has the real host make a table with it.
func TestSQLite(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Fatalf("this suite builds for linux/amd64 by its own compiler, not %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	debian(t, "gcc", "gcc", "libc6-dev")
	debian(t, "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross")
	source, err := filepath.Abs(filepath.Join("..", "driver"))
	if err != nil {
		t.Fatal(err)
	}
	reg := startDebian(t, "", access{})
	a := newAuthor(t, reg)
	dist := t.TempDir()
	first := a.build(dist, "sqlite", "--source", source, "--platform", "linux/amd64", "--platform", "linux/arm64")
	for i, want := range []built{{Platform: "linux/amd64", Compiler: "gcc"}, {Platform: "linux/arm64", Compiler: "aarch64-linux-gnu-gcc"}} {
		if first[i].Platform != want.Platform || first[i].Compiler != want.Compiler {
			t.Errorf("built %+v, want %+v", first[i], want)
		}
		checkStatic(t, first[i])
	}

	// A copy of the source elsewhere gives the same bytes.
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	second := a.build(t.TempDir(), "sqlite", "--source", copied, "--platform", "linux/amd64", "--platform", "linux/arm64")
	for i := range first {
		if second[i].Digest != first[i].Digest {
			t.Errorf("%s: built elsewhere it is %s, not %s", first[i].Platform, second[i].Digest, first[i].Digest)
		}
	}

	version := strings.TrimSpace(read(t, source, "plugins", "sqlite", "VERSION"))
	a.ok("push", "sqlite", "--source", source, "--dist", dist, "--registry", a.namespace(), "--probe")
	user := newProject(t, fmt.Sprintf("registry = %q\n\n[plugins]\nsqlite = \"=%s\"\n", a.namespace(), version))
	user.ok("sync")
	makeTable(t, user)
	testStub(t, a, source)
}

// checkStatic looks into an archive: the executable is for its platform and
// asks for no dynamic linker.
func checkStatic(t *testing.T, b built) {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", b.Path, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(filepath.Join(dir, "schemahero-sqlite-"+strings.ReplaceAll(b.Platform, "/", "-")))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	machine := map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64}[b.Platform]
	if f.Machine != machine {
		t.Errorf("%s: the executable is for %s", b.Platform, f.Machine)
	}
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC }) {
		t.Errorf("%s: the executable is not static", b.Platform)
	}
}

// makeTable plans a table with the host, applies the plan, and finds the table
// in the file.
func makeTable(t *testing.T, p *project) {
	t.Helper()
	database := filepath.Join(t.TempDir(), "shop.db")
	ddl := p.plan("sqlite", database)
	if ddl != usersDDL {
		t.Errorf("plan: %s, want %s", ddl, usersDDL)
	}
	file := filepath.Join(t.TempDir(), "users.sql")
	write(t, ddl+"\n", file)
	apply := func() result {
		return command(t, t.TempDir(), p.env, "", schemaHero.built(t), "apply", "--driver", "sqlite", "--uri", database, "--ddl", file)
	}
	if r := apply(); r.code != 0 {
		t.Fatalf("apply: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	// SQLite keeps the statement itself, from the name on
	// (https://www.sqlite.org/schematab.html).
	if text := read(t, database); !strings.HasPrefix(text, "SQLite format 3\x00") || !strings.Contains(text, `"users" ("id" integer not null, "login" varchar(255) default '', primary key ("id"))`) {
		t.Error("the database holds no such table")
	}
	if r := apply(); r.code == 0 || !strings.Contains(r.stderr+r.stdout, "already exists") {
		t.Errorf("apply once more: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}

// testStub builds the same driver as it is often built, without cgo: push
// refuses it; if it was forced, doctor names it, and the host fails with it.
func testStub(t *testing.T, a *author, source string) {
	stub := filepath.Join(t.TempDir(), "schemahero-sqlite")
	cmd := exec.Command("go", "build", "-trimpath", "-o", stub, ".")
	cmd.Dir, cmd.Env = filepath.Join(source, "plugins", "sqlite"), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args := []string{"push", "sqlite", "9.0.0", "--registry", a.namespace(), "--platform", "linux/amd64=" + stub}
	if r := a.exit(1, args...); !strings.Contains(r.stderr, "github.com/mattn/go-sqlite3") || !strings.Contains(r.stderr, "build sqlite") {
		t.Errorf("push of a stub says\n%s", r.stderr)
	}
	a.ok(append(args, "--force")...)
	user := newProject(t, fmt.Sprintf("registry = %q\n\n[plugins]\nsqlite = \"9\"\n", a.namespace()))
	user.ok("sync")
	if r := user.exit(1, "doctor"); !strings.Contains(r.stdout, "CGO_ENABLED=0, but github.com/mattn/go-sqlite3 needs cgo") {
		t.Errorf("doctor says\n%s", r.stdout)
	}
	spec, err := filepath.Abs(filepath.Join("testdata", "users.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	r := command(t, t.TempDir(), user.env, "", schemaHero.built(t), "plan", "--driver", "sqlite", "--uri", filepath.Join(t.TempDir(), "shop.db"), "--spec-file", spec)
	if r.code == 0 || !strings.Contains(r.stdout+r.stderr, "go-sqlite3 requires cgo") {
		t.Errorf("the host with a stub: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}
