package peers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What lies in its working directory the host finds first and never starts: it
// goes on to the home, past plugins/bin. This program says the same.
func TestWorkingDirectory(t *testing.T) {
	p := wanting(t, published(t))
	p.ok("sync")
	started := filepath.Join(t.TempDir(), "started")
	for _, place := range []string{"schemahero-postgres", filepath.Join("plugins", "bin", "schemahero-postgres")} {
		file := filepath.Join(p.dir, place)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, "#!/bin/sh\n: > "+started+"\nexit 1\n", file)
		if err := os.Chmod(file, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := filepath.Abs(filepath.Join("testdata", "users.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	plan := []string{"plan", "--driver", "postgres", "--uri", "postgres://u:p@127.0.0.1/shop", "--spec-file", spec}
	r := command(t, p.dir, p.env, "", schemaHero.built(t), plan...)
	if r.code != 0 || strings.TrimSpace(r.stdout) != usersDDL || !strings.Contains(r.stderr, "executable file not found in $PATH") {
		t.Errorf("the host plans: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if _, err := os.Stat(started); err == nil {
		t.Error("the host started another file than the home's")
	}
	if r := p.ok("which", "postgres"); r.stdout != p.installed("postgres")+"\n" || !strings.Contains(r.stderr, "is not started from the working directory") {
		t.Errorf("which: %s%s", r.stdout, r.stderr)
	}
	if r := p.exit(3, "run", "--", "true"); !strings.Contains(r.stderr, "is not started from the working directory") {
		t.Errorf("run: %s", r.stderr)
	}

	// Without the file in the working directory the next in order is started.
	if err := os.Remove(filepath.Join(p.dir, "schemahero-postgres")); err != nil {
		t.Fatal(err)
	}
	command(t, p.dir, p.env, "", schemaHero.built(t), plan...)
	if _, err := os.Stat(started); err != nil {
		t.Error("the host did not start the file in plugins/bin")
	}
}
