package plugins_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// The program of docs/embedding.md is a module of its own, and does what the page
// says.
func TestEmbedding(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil && runtime.GOOS == "windows" {
		t.Skip("Wine: there is no go")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	code := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(read("docs/embedding.md"))
	if code == nil {
		t.Fatal("docs/embedding.md has no program")
	}
	imported := regexp.MustCompile(`"github\.com/schemahero/kubectl-schemahero-plugin/([^"]+)"`).FindAllSubmatch(code[1], -1)
	for _, m := range imported {
		if p := string(m[1]); p != "plugins" && p != "plugins/signed" && p != "lockfile" {
			t.Errorf("imports %s, which is not public", p)
		}
	}
	if len(imported) != 3 {
		t.Errorf("imports %d packages of ours, want 3", len(imported))
	}

	dir := t.TempDir()
	const module = "github.com/schemahero/kubectl-schemahero-plugin"
	mod := strings.Replace(string(read("go.mod")), "module "+module, "module host.example/host", 1)
	mod = regexp.MustCompile(`(?s)\ntool \(.*?\)\n|\ntool [^\n]*\n`).ReplaceAllString(mod, "\n")
	mod += "\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n"
	for name, data := range map[string][]byte{"go.mod": []byte(mod), "go.sum": read("go.sum"), "main.go": code[1]} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "host")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-mod=mod", "-o", program, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	_, o := place(t, "")
	run := func(in, arg string) (string, string, bool) {
		var stdout, stderr bytes.Buffer
		cmd := exec.Command(program, arg)
		cmd.Dir, cmd.Stdout, cmd.Stderr = in, &stdout, &stderr
		err := cmd.Run()
		return strings.TrimSpace(stdout.String()), stderr.String(), err == nil
	}
	want := filepath.Join(o.Home, "plugins", o.Platform.Executable("postgres"))
	nowhere := t.TempDir()
	for range 2 { // the second time it is there
		if out, said, ok := run(nowhere, "postgres"); !ok || out != want {
			t.Fatalf("%q, %s", out, said)
		}
	}
	if _, said, ok := run(nowhere, "mysql"); ok {
		t.Errorf("a driver that is nowhere: %s", said)
	}
	rules := "[[trust]]\nscope = \"127.0.0.1\"\nkeys = [\"" + publicKey(t) + "\"]\n"
	rules = strings.ReplaceAll(rules, "127.0.0.1", strings.TrimSuffix(o.Registry, "/schemahero/plugin"))
	if err := os.WriteFile(filepath.Join(o.Home, "config.toml"), []byte(rules), 0o644); err != nil {
		t.Fatal(err)
	}
	os.Remove(want)
	if _, said, ok := run(nowhere, "postgres"); ok || !strings.Contains(said, "nothing was installed") {
		t.Errorf("under a rule that asks for a signature: %s", said)
	}
	os.Remove(filepath.Join(o.Home, "config.toml"))
	project := filepath.Dir(manifestOf(t, "[plugins]\npostgres = \"*\"\n"))
	if _, said, ok := run(project, "postgres"); ok || !strings.Contains(said, "no lock") {
		t.Errorf("a project without a lock: %s", said)
	}
}
