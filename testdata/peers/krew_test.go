package peers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	krew = peer{module: "sigs.k8s.io/krew", version: "v0.4.4", command: "cmd/krew"}

	validateKrewManifest = peer{module: "sigs.k8s.io/krew", version: "v0.4.4", command: "cmd/validate-krew-manifest"}
)

// releaseAs makes a release as `make krew` does, whose archives krew finds at
// url, and gives its folder.
func releaseAs(t *testing.T, version, url string, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := append([]string{"-C", "hack", "run", "./release", "-version", version, "-time", "1700000000", "-url", url, "-out", dir}, more...)
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return dir
}

// TestKrew takes the program through the life that krew gives it: installed
// from the rendered manifest and archive, run, upgraded, uninstalled.
func TestKrew(t *testing.T) {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	host := strings.ReplaceAll(hostPlatform(), "/", "_")
	archive := "kubectl-schemahero-plugin_" + host + ".tar.gz"
	one := releaseAs(t, "0.1.0", server.URL+"/one", "-only", hostPlatform())
	two := releaseAs(t, "v0.2.0", server.URL+"/two", "-only", hostPlatform())
	// Compiling for six platforms takes minutes, and nothing here runs the others.
	six := releaseAs(t, "0.1.0", server.URL+"/six", "-program", suite.plugin)
	mux.Handle("/six/", http.StripPrefix("/six/", http.FileServer(http.Dir(six))))
	mux.Handle("/one/", http.StripPrefix("/one/", http.FileServer(http.Dir(one))))
	mux.Handle("/two/", http.StripPrefix("/two/", http.FileServer(http.Dir(two))))

	// The same commit gives the same bytes, and the checksums are theirs.
	again := releaseAs(t, "0.1.0", server.URL+"/one", "-only", hostPlatform())
	if !bytes.Equal([]byte(read(t, one, archive)), []byte(read(t, again, archive))) {
		t.Error("two archives of one commit differ")
	}
	sums := strings.Split(strings.TrimSpace(read(t, six, "checksums.txt")), "\n")
	if len(sums) != 7 {
		t.Errorf("checksums.txt has %d lines, want six archives and the manifest", len(sums))
	}
	for _, line := range sums {
		sum, name, _ := strings.Cut(line, "  ")
		if h := sha256.Sum256([]byte(read(t, six, name))); hex.EncodeToString(h[:]) != sum {
			t.Errorf("checksums.txt: %s is wrong", name)
		}
	}

	// A user with krew and nothing else.
	home := t.TempDir()
	bin, local := filepath.Join(home, "bin"), filepath.Join(home, ".local", "bin")
	link(t, krew.built(t), bin, "kubectl-krew")
	krewBin := filepath.Join(home, ".krew", "bin")
	index := filepath.Join(home, "index")
	env := environment(home, path(t, local, krewBin, bin), "KREW_DEFAULT_INDEX_URI=file://"+index,
		"GIT_AUTHOR_NAME=krew", "GIT_AUTHOR_EMAIL=krew@example.com", "GIT_COMMITTER_NAME=krew", "GIT_COMMITTER_EMAIL=krew@example.com")
	run := func(dir string, name string, args ...string) string {
		t.Helper()
		r := command(t, dir, env, "", name, args...)
		if r.code != 0 {
			t.Fatalf("%s %s: exit %d\n%s%s", name, strings.Join(args, " "), r.code, r.stdout, r.stderr)
		}
		return r.stdout + r.stderr
	}
	k := kubectl(t)
	offer := func(from string) {
		t.Helper()
		write(t, read(t, from, "schemahero-plugin.yaml"), index, "plugins", "schemahero-plugin.yaml")
		run(index, "git", "add", ".")
		run(index, "git", "commit", "--quiet", "--message", "offer")
	}
	if err := os.MkdirAll(filepath.Join(index, "plugins"), 0o755); err != nil {
		t.Fatal(err)
	}
	run(index, "git", "init", "--quiet")
	offer(one)

	// krew's own check installs the archive of every platform.
	out := run(home, validateKrewManifest.built(t), "-manifest", filepath.Join(six, "schemahero-plugin.yaml"))
	if !strings.Contains(out, "all 6 spec.platforms installed fine") {
		t.Errorf("validate-krew-manifest:\n%s", out)
	}

	// From manifest and archive, as somebody tries it before it is released.
	run(home, k, "krew", "update")
	out = run(home, k, "krew", "install", "--manifest", filepath.Join(one, "schemahero-plugin.yaml"), "--archive", filepath.Join(one, archive))
	if !strings.Contains(out, "kubectl schemahero-plugin link") {
		t.Errorf("krew install does not tell of link:\n%s", out)
	}
	p := wanting(t, published(t))
	p.home = home // it is krew's user's
	run(p.dir, k, "schemahero-plugin", "sync")
	same(t, p.installed("postgres"), driver(t, "postgres", older, hostPlatform()))
	run(home, k, "krew", "uninstall", "schemahero-plugin")

	// From an index, linked, upgraded: the links stay good.
	run(home, k, "krew", "install", "schemahero-plugin")
	if v := run(home, k, "schemahero-plugin", "version"); v != "0.1.0\n" {
		t.Errorf("version %q", v)
	}
	run(home, k, "schemahero-plugin", "link")
	if to, err := os.Readlink(filepath.Join(local, "kubectl-schemahero-plugin")); err != nil || to != filepath.Join(krewBin, "kubectl-schemahero_plugin") {
		t.Errorf("links to %s (%v), not to krew's link", to, err)
	}
	offer(two)
	run(home, k, "krew", "upgrade", "schemahero-plugin")
	for _, words := range [][]string{{"schemahero-plugin", "version"}, {"schemahero", "plugin", "version"}} {
		if v := run(home, k, words...); v != "0.2.0\n" {
			t.Errorf("kubectl %s after the upgrade: %q", strings.Join(words, " "), v)
		}
	}
	for _, words := range [][]string{{"schemahero-plugin"}, {"schemahero", "plugin"}} {
		if out := run(home, k, append(append([]string{"__complete"}, words...), "sy")...); !strings.Contains(out, "sync\t") {
			t.Errorf("kubectl %s does not complete:\n%s", strings.Join(words, " "), out)
		}
	}
	if out := run(home, k, "plugin", "list"); strings.Contains(out, "warning") {
		t.Errorf("kubectl plugin list:\n%s", out)
	}

	// Gone without a trace, and krew still works.
	run(home, k, "schemahero-plugin", "unlink")
	run(home, k, "krew", "uninstall", "schemahero-plugin")
	for _, dir := range []string{local, krewBin} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s holds %v (%v)", dir, left, err)
		}
	}
	run(home, k, "krew", "list")
	run(home, k, "krew", "install", "schemahero-plugin")
}
