package peers

import (
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

// pushScript is SchemaHero's own scripts/push-plugins.sh, as its module has it:
// the documented way to make a release.
func pushScript(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", schemaHero.module+"@"+schemaHero.version)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(module.Dir, "scripts", "push-plugins.sh")
}

// TestPushScript takes what that script pushes with the oras CLI, for each of
// SchemaHero's own drivers. Its layers are titled with the folder that they lie
// in, dist/schemahero-NAME-OS-ARCH.tar.gz, and beside archive and checksum there
// is a dist/manifest.json.
func TestPushScript(t *testing.T) {
	reg := startDebian(t, "", access{})
	_, port, _ := strings.Cut(reg.addr, ":")
	script, bin := pushScript(t), t.TempDir()
	if err := os.Symlink(orasCLI.built(t), filepath.Join(bin, "oras")); err != nil {
		t.Fatal(err)
	}
	// The CLI asks localhost, and no other name, over plain HTTP by itself.
	registry := "localhost:" + port
	env := append(goEnvironment(t), "PATH="+bin+":"+os.Getenv("PATH"), "REGISTRY="+registry, "REGISTRY_NAMESPACE=schemahero")
	for _, name := range []string{"postgres", "mysql", "timescaledb", "sqlite", "rqlite", "cassandra"} {
		t.Run(name, func(t *testing.T) {
			tree := t.TempDir()
			source := filepath.Join(tree, "plugins", name)
			if err := os.MkdirAll(source, 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, "module "+name+"\n\ngo 1.24\n", source, "go.mod")
			packed := map[string]string{} // the executable of this machine's platform, by version
			push := func(version string) {
				t.Helper()
				write(t, fmt.Sprintf("package main\n\nfunc main() { println(%q, %q) }\n", name, version), source, "main.go")
				// It asks whether to push, and, while there is no release, to log in first.
				if r := command(t, tree, environment(t.TempDir(), env...), "y\n", "bash", script, name, version); r.code != 0 {
					t.Fatalf("%s: exit %d\n%s%s", script, r.code, r.stdout, r.stderr)
				}
				base := "schemahero-" + name + "-" + runtime.GOOS + "-" + runtime.GOARCH
				out, err := exec.Command("tar", "-xOzf", filepath.Join(tree, "dist", base+".tar.gz"), base).Output()
				if err != nil {
					t.Fatal(err)
				}
				packed[version] = string(out)
			}
			repository := registry + "/schemahero/plugins/" + name
			p := newProject(t, "registry = \""+registry+"/schemahero/plugins\"\n[plugins]\n"+name+" = \"*\"\n")
			check := func(version string) {
				t.Helper()
				if got := read(t, p.installed(name)); got != packed[version] {
					t.Errorf("%s: %d bytes are installed, and the archive holds %d others", version, len(got), len(packed[version]))
				}
				p.ok("verify")
				p.ok("verify", "--remote")
				var files []string
				for line := range strings.Lines(p.lock()) {
					if file, ok := strings.CutPrefix(line, "file = "); ok {
						files = append(files, strings.TrimSpace(file))
					}
				}
				slices.Sort(files)
				want := []string{`"schemahero-` + name + `-linux-amd64.tar.gz"`, `"schemahero-` + name + `-linux-arm64.tar.gz"`}
				if !slices.Equal(files, want) {
					t.Errorf("%s: the lock has %s, want %s", version, files, want)
				}
			}

			push(older)
			p.ok("lock")
			p.ok("sync", "--locked")
			check(older)

			push(newer)
			if r := p.ok("outdated"); !strings.Contains(r.stdout, newer) {
				t.Errorf("outdated does not know %s:\n%s", newer, r.stdout)
			}
			p.ok("update")
			check(newer)

			// Published again as an index, it has the same layers.
			p.ok("push", name, "--from", repository+":"+older, "--registry", registry+"/index")
			q := newProject(t, "registry = \""+registry+"/index\"\n[plugins]\n"+name+" = \"*\"\n")
			q.ok("lock")
			q.ok("sync")
			if got := read(t, q.installed(name)); got != packed[older] {
				t.Errorf("as an index, %d bytes are installed, and the archive holds %d others", len(got), len(packed[older]))
			}
			if left, err := filepath.Glob(filepath.Join(p.dir, "dist")); len(left) > 0 || err != nil {
				t.Errorf("a title made %v, %v", left, err)
			}
		})
	}
}
