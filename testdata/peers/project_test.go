package peers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// project is a folder with a manifest, and a home of its own.
type project struct {
	t         *testing.T
	dir, home string
	env       []string
}

func newProject(t *testing.T, manifest string, env ...string) *project {
	t.Helper()
	p := &project{t: t, dir: t.TempDir(), home: t.TempDir()}
	p.env = environment(p.home, env...)
	p.manifest(manifest)
	return p
}

func (p *project) manifest(text string) {
	p.t.Helper()
	write(p.t, text, p.dir, "schemahero-plugins.toml")
}

func (p *project) lock() string {
	p.t.Helper()
	return read(p.t, p.dir, "schemahero-plugins.lock")
}

// run runs the program under test.
func (p *project) run(args ...string) result {
	p.t.Helper()
	return command(p.t, p.dir, p.env, "", suite.plugin, args...)
}

// ok runs it and fails the test if it does not end with 0.
func (p *project) ok(args ...string) result {
	p.t.Helper()
	return p.exit(0, args...)
}

// exit runs it and fails the test if it does not end with code.
func (p *project) exit(code int, args ...string) result {
	p.t.Helper()
	r := p.run(args...)
	if r.code != code {
		p.t.Fatalf("%s: exit %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	return r
}

// installed is where the host finds a driver.
func (p *project) installed(name string) string {
	return filepath.Join(p.home, ".schemahero", "plugins", "schemahero-"+name)
}

// plan has the real host plan the table `users` with the installed driver,
// and gives the DDL.
func (p *project) plan(engine, uri string) string {
	p.t.Helper()
	spec, err := filepath.Abs(filepath.Join("testdata", "users.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	// A folder without drivers: the host looks into its working directory first.
	elsewhere := p.t.TempDir()
	r := command(p.t, elsewhere, p.env, "", schemaHero.built(p.t), "plan", "--driver", engine, "--uri", uri, "--spec-file", spec)
	if r.code != 0 {
		p.t.Fatalf("kubectl schemahero plan --driver %s: exit %d: %s%s", engine, r.code, r.stdout, r.stderr)
	}
	return strings.TrimSpace(r.stdout)
}

// same fails the test where two files differ.
func same(t *testing.T, got, want string) {
	t.Helper()
	if read(t, got) != read(t, want) {
		t.Errorf("%s is not %s", got, want)
	}
	if info, err := os.Lstat(got); err != nil || info.Mode() != 0o755 {
		t.Errorf("%s: mode %v, %v; want a regular file that is executable", got, info.Mode(), err)
	}
}
