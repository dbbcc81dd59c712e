package publish_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

// goEnv is the environment in which these tests build: this machine's, and no
// network.
func goEnv(more ...string) []string {
	return append(os.Environ(), append([]string{"GOWORK=off", "GOTOOLCHAIN=local", "GOPROXY=off", "GOFLAGS="}, more...)...)
}

// needs skips a test where a program is not there, which on other systems is an error.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil && runtime.GOOS == "windows" {
		t.Skipf("Wine: there is no %s", program)
	}
}

// program compiles a Go program of the files given.
func program(t *testing.T, env []string, files map[string]string) string {
	t.Helper()
	needs(t, "go")
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), []byte(text), 0o644)
	}
	out := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-o", out, ".")
	cmd.Dir, cmd.Env = dir, env
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

func TestStubIsRefused(t *testing.T) {
	files := map[string]string{
		"go.mod":           "module example.com/driver\n\ngo 1.26\n\nrequire github.com/mattn/go-sqlite3 v1.14.53\n\nreplace github.com/mattn/go-sqlite3 => ./sqlite\n",
		"main.go":          "package main\n\nimport _ \"github.com/mattn/go-sqlite3\"\n\nfunc main() {}\n",
		"sqlite/go.mod":    "module github.com/mattn/go-sqlite3\n\ngo 1.26\n",
		"sqlite/sqlite.go": "package sqlite3\n",
	}
	r := release(t, "1.0.0", "")
	r.Name = "sqlite"
	r.Files = map[artifact.Platform]string{amd64: program(t, goEnv("GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"), files)}
	_, err := publish.Push(t.Context(), nil, r, publish.Options{Temp: t.TempDir(), DryRun: true})
	var lint *publish.LintError
	if !errors.As(err, &lint) || len(lint.Problems) != 1 || lint.Problems[0].Kind != publish.ProblemStub || !lint.Forcible() {
		t.Errorf("a stub: %v", err)
	}
	if _, err := publish.Push(t.Context(), nil, r, publish.Options{Temp: t.TempDir(), DryRun: true, Force: true}); err != nil {
		t.Errorf("by force: %v", err)
	}
	// For another platform than its own it is both.
	r.Files = map[artifact.Platform]string{arm64: r.Files[amd64]}
	_, err = publish.Push(t.Context(), nil, r, publish.Options{Temp: t.TempDir(), DryRun: true})
	if !errors.As(err, &lint) || len(lint.Problems) != 2 || lint.Problems[0].Kind != publish.ProblemPlatform || lint.Problems[1].Kind != publish.ProblemStub {
		t.Errorf("a stub for another platform: %v", err)
	}
}

// Nothing is run that was not to be, and what is run must be a driver.
func TestProbe(t *testing.T) {
	host := artifact.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	trace := filepath.Join(t.TempDir(), "ran")
	r := release(t, "1.0.0", "")
	r.Files = map[artifact.Platform]string{host: program(t, goEnv("CGO_ENABLED=0"), map[string]string{
		"go.mod":  "module example.com/driver\n\ngo 1.26\n",
		"main.go": fmt.Sprintf("package main\n\nimport \"os\"\n\nfunc main() { os.WriteFile(%q, nil, 0o644) }\n", trace),
	})}
	o := publish.Options{Temp: t.TempDir(), DryRun: true, Host: host}
	if _, err := publish.Push(t.Context(), nil, r, o); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(trace); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was run, with no probe asked for: %v", err)
	}
	o.Probe = true
	_, err := publish.Push(t.Context(), nil, r, o)
	var lint *publish.LintError
	if !errors.As(err, &lint) || len(lint.Problems) != 1 || lint.Problems[0].Kind != publish.ProblemHandshake {
		t.Errorf("no driver: %v", err)
	}
	if _, err := os.Stat(trace); err != nil {
		t.Errorf("it was not run: %v", err)
	}
	// So must be what stands elsewhere.
	m := newMemory("r.example/postgres")
	push(t, m, r)
	report, err := publish.Republish(t.Context(), newMemory("r.example/copy/postgres"), m, "1.0.0", publish.Release{Name: "postgres"}, o)
	if !errors.As(err, &lint) || len(lint.Problems) != 1 || lint.Problems[0].Kind != publish.ProblemHandshake {
		t.Errorf("published again: %+v, %v", report, err)
	}
	o.Host = artifact.Platform{OS: "plan9", Arch: "mips"}
	if _, err := publish.Push(t.Context(), nil, r, o); err != nil {
		t.Errorf("what cannot run here: %v", err)
	}
}
