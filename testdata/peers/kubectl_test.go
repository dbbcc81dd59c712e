package peers

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kubectl gives the path of the real kubectl.
func kubectl(t *testing.T) string {
	t.Helper()
	return kubernetes("kubectl").built(t)
}

// path is a PATH of these folders, kubectl's and the system's. kubectl warns
// of folders that are missing, as some of this machine's own may be.
func path(t *testing.T, folders ...string) string {
	folders = append(folders, filepath.Dir(kubectl(t)), "/usr/bin", "/bin")
	return "PATH=" + strings.Join(slices.Compact(folders), string(os.PathListSeparator))
}

// link makes a symbolic link and the folder for it.
func link(t *testing.T, target string, at ...string) {
	t.Helper()
	name := filepath.Join(at...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

// TestKubectl runs the program the way its users do: by kubectl, beside the
// SchemaHero host.
func TestKubectl(t *testing.T) {
	reg := published(t)
	p := wanting(t, reg)
	bin := filepath.Join(p.home, "bin")
	link(t, schemaHero.built(t), bin, "kubectl-schemahero")
	link(t, suite.plugin, bin, "kubectl-schemahero-plugin")
	p.env = environment(p.home, path(t, bin, filepath.Join(p.home, ".local", "bin")))
	run := func(code int, args ...string) result {
		t.Helper()
		r := command(t, p.dir, p.env, "", kubectl(t), args...)
		if r.code != code {
			t.Fatalf("kubectl %s: exit %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
		}
		return r
	}
	contains := func(text string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("lacks %q:\n%s", part, text)
			}
		}
	}

	// Both names reach this program, the host keeps the rest.
	contains(run(0, "schemahero", "plugin", "sync", "--help").stdout, "\n  kubectl schemahero plugin sync [NAME...]")
	contains(run(0, "schemahero", "version").stdout, "SchemaHero ")
	contains(run(0, "schemahero", "plan", "--help").stdout, "schemahero plan [flags]")

	// Arguments, output and exit codes pass through.
	run(0, "schemahero", "plugin", "sync")
	same(t, p.installed("postgres"), driver(t, "postgres", older, hostPlatform()))
	contains(run(0, "schemahero", "plugin", "list", "-o", "name").stdout, "plugin/postgres\n")
	if r := run(2, "schemahero", "plugin", "snyc"); r.stdout != "" || !strings.Contains(r.stderr, "hint: see kubectl schemahero plugin --help") {
		t.Errorf("an unknown command: %q %q", r.stdout, r.stderr)
	}
	if err := os.Remove(p.installed("postgres")); err != nil {
		t.Fatal(err)
	}
	run(3, "schemahero", "plugin", "sync", "--check")
	run(4, "schemahero", "plugin", "add", "postgres@^99")

	// The host's own way to ask for a driver, without a project.
	elsewhere := t.TempDir()
	env := append(p.env, "SCHEMAHERO_PLUGIN_REGISTRY="+reg.addr+"/single/plugin")
	author := newPublisher(t, reg)
	author.publish("index", "postgres", newer)
	author.run(elsewhere, "cp", "--from-plain-http", "--to-plain-http", author.namespace()+"/postgres:"+newer, reg.addr+"/single/plugin-postgres:"+newer)
	if r := command(t, elsewhere, env, "", kubectl(t), "schemahero", "plugin", "download", "postgres"); r.code != 0 {
		t.Fatalf("plugin download: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	same(t, p.installed("postgres"), driver(t, "postgres", newer, hostPlatform()))

	// kubectl has no complaint about what lies on the PATH.
	if r := run(0, "plugin", "list"); strings.Contains(r.stdout+r.stderr, "warning") || strings.Contains(r.stderr, "error") {
		t.Errorf("kubectl plugin list:\n%s%s", r.stdout, r.stderr)
	}

	// Without the links kubectl has nothing to ask for completion.
	if r := run(0, "__complete", "schemahero", "plugin", ""); strings.Contains(r.stdout, "sync") {
		t.Errorf("completes without a link:\n%s", r.stdout)
	}
	run(0, "schemahero", "plugin", "link")
	contains(run(0, "__complete", "schemahero", "plugin", "").stdout, "sync\tMake this machine match the lock\n", "download\t")
	contains(run(0, "__complete", "schemahero", "plugin", "remove", "p").stdout, "postgres\n")
	contains(run(0, "__complete", "schemahero", "plugin", "sync", "--lo").stdout, "--locked\t")
	run(0, "plugin", "list")
	run(0, "schemahero", "plugin", "unlink")
	if left, err := os.ReadDir(filepath.Join(p.home, ".local", "bin")); err != nil || len(left) > 0 {
		t.Errorf("unlink leaves %v (%v)", left, err)
	}

	// A dangling link hands the words to the host, as if there were none.
	if err := os.Remove(filepath.Join(bin, "kubectl-schemahero-plugin")); err != nil {
		t.Fatal(err)
	}
	link(t, filepath.Join(bin, "gone"), bin, "kubectl-schemahero-plugin")
	if r := command(t, p.dir, p.env, "", kubectl(t), "schemahero", "plugin", "list"); r.code == 0 || !strings.Contains(r.stderr+r.stdout, "schemahero") {
		t.Errorf("a dangling link: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	if _, err := os.Lstat(filepath.Join(p.home, ".krew")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("krew's folder was made: %v", err)
	}
}
