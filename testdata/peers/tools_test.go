package peers

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// peer is a program that is built from the Go module proxy.
type peer struct {
	module, version string
	command         string // package of the program, below module; "" for module itself
	main            string // source to build instead, where the module's own links much that is not needed
	replace         string // of its go.mod, which a dependency does not bring along
}

var (
	orasCLI = peer{module: "oras.land/oras", version: "v1.3.6", command: "cmd/oras"}

	schemaHero = peer{
		module: "github.com/schemahero/schemahero", version: "v0.24.0", command: "cmd/kubectl-schemahero",
		replace: "github.com/appscode/jsonpatch => github.com/gomodules/jsonpatch v2.0.1+incompatible",
	}

	// cmd/registry, without the clients of three clouds: they take longer to
	// build than all the rest.
	distribution = peer{module: "github.com/distribution/distribution/v3", version: "v3.1.2", command: "cmd/registry", main: `package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
`}
)

// building keeps a peer from being built twice at once.
var building sync.Mutex

// built gives the path of the peer's program, and builds it where the cache
// lacks it. `go install` refuses a module that replaces others, so each is
// built from a throw-away module that requires it.
func (p peer) built(t *testing.T) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	dir := filepath.Join(suite.cache, strings.ReplaceAll(p.module, "/", "_")+"@"+p.version)
	target := strings.TrimSuffix(p.module+"/"+p.command, "/")
	program := filepath.Join(dir, filepath.Base(target))
	if _, err := os.Stat(program); err == nil {
		return program
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	mod := fmt.Sprintf("module peer\n\ngo 1.26.0\n\nrequire %s %s\n", p.module, p.version)
	if p.replace != "" {
		mod += "\nreplace " + p.replace + "\n"
	}
	write(t, mod, work, "go.mod")
	t.Logf("building %s %s", p.module, p.version)
	// Into a file of its own first: what stands under the program's name is
	// whole, whoever else builds it.
	fresh, err := os.CreateTemp(dir, "build-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(fresh.Name())
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	if p.main != "" {
		target = "."
		write(t, p.main, work, "main.go")
	}
	cmd := exec.Command("go", "build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", fresh.Name(), target)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", p.module, err, out)
	}
	if err := os.Chmod(fresh.Name(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh.Name(), program); err != nil {
		t.Fatal(err)
	}
	return program
}

// debian gives the path of a command, and installs Debian's packages where it
// is missing.
func debian(t *testing.T, name string, from ...string) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, args := range [][]string{{"update"}, append([]string{"install", "-y", "--no-install-recommends"}, from...)} {
		args = append([]string{"apt-get", "-q"}, args...)
		if os.Geteuid() != 0 {
			args = append([]string{"sudo", "-n", "--preserve-env=DEBIAN_FRONTEND"}, args...)
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s is missing, and %s: %v\n%s", name, strings.Join(args, " "), err, out.Bytes())
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v after installing %s", err, from)
	}
	return path
}
