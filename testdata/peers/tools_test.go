package peers

import (
	"encoding/json"
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
	tags, ldflags   string // of the build, beside those of every one
}

var (
	orasCLI = peer{module: "oras.land/oras", version: "v1.3.6", command: "cmd/oras"}

	schemaHero = peer{
		module: "github.com/schemahero/schemahero", version: "v0.24.0", command: "cmd/kubectl-schemahero",
		replace: "github.com/appscode/jsonpatch => github.com/gomodules/jsonpatch v2.0.1+incompatible",
	}

	schemaHeroManager = peer{module: schemaHero.module, version: schemaHero.version, command: "cmd/manager", replace: schemaHero.replace}

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

// kubernetes is a program of Kubernetes: kube-apiserver, kubectl, kubelet.
func kubernetes(program string) peer {
	const version = "-X k8s.io/component-base/version."
	return peer{
		module: "k8s.io/kubernetes", version: "v1.37.2", command: "cmd/" + program,
		ldflags: version + "gitVersion=v1.37.2 " + version + "gitMajor=1 " + version + "gitMinor=37",
	}
}

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
	work := t.TempDir()
	mod := fmt.Sprintf("module peer\n\ngo 1.26.0\n\nrequire %s %s\n", p.module, p.version)
	if p.replace != "" {
		mod += "\nreplace " + p.replace + "\n"
	}
	if p.module == "k8s.io/kubernetes" {
		mod += staging(t, work, p)
	}
	write(t, mod, work, "go.mod")
	t.Logf("building %s %s", target, p.version)
	if p.main != "" {
		target = "."
		write(t, p.main, work, "main.go")
	}
	goBuild(t, work, program, target, "-mod=mod", "-tags="+p.tags, "-ldflags="+strings.TrimSpace("-s -w "+p.ldflags))
	return program
}

// goBuild builds a package of the module in dir into a file of its own first: what
// stands under the program's name is whole, whoever else builds it.
func goBuild(t *testing.T, dir, program, target string, flags ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.CreateTemp(filepath.Dir(program), "build-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(fresh.Name())
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", append(append([]string{"build", "-trimpath", "-o", fresh.Name()}, flags...), target)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	if err := os.Chmod(fresh.Name(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh.Name(), program); err != nil {
		t.Fatal(err)
	}
}

// earlier gives the path of this program as it was before a release could be in
// gzip and zstd at once. No module proxy need know that commit, but whoever clones
// the repository has it; the test is skipped in a checkout whose history does not
// reach so far (--depth 1, a source archive).
func earlier(t *testing.T) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	run := func(dir, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) string {
		t.Helper()
		return run(root, "git", append([]string{"-c", "safe.directory=*"}, args...)...)
	}
	const added = `git log -1 --diff-filter=A --format=%P -- testdata/script/compressions.txtar`
	find := exec.Command("git", append([]string{"-c", "safe.directory=*"}, strings.Fields(added)[1:]...)...)
	find.Dir = root
	out, err := find.Output()
	commit := strings.TrimSpace(string(out))
	if err != nil || commit == "" {
		t.Skip("the history does not hold the program as it was before: clone it whole, or `git fetch --unshallow`")
	}
	program := filepath.Join(suite.cache, "kubectl-schemahero-plugin@"+commit, "kubectl-schemahero-plugin")
	if _, err := os.Stat(program); err == nil {
		return program
	}
	work := t.TempDir()
	git("archive", "--output", filepath.Join(work, "source.tar"), commit)
	run(work, "tar", "-xf", "source.tar")
	goBuild(t, work, program, "./cmd/kubectl-schemahero-plugin", "-ldflags=-s -w")
	return program
}

// staging is what Kubernetes' own go.mod replaces by folders of its repository:
// modules that are published beside it, v0.X for its v1.X.
func staging(t *testing.T, work string, p peer) string {
	t.Helper()
	write(t, "module download\n", work, "go.mod")
	cmd := exec.Command("go", "mod", "download", "-json", p.module+"@"+p.version)
	cmd.Dir, cmd.Env = work, append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("download %s: %v\n%s", p.module, err, out)
	}
	var module struct{ GoMod string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	var replaced strings.Builder
	for line := range strings.Lines(read(t, module.GoMod)) {
		if name, to, ok := strings.Cut(strings.TrimSpace(line), " => "); ok && strings.HasPrefix(to, "./staging/") {
			fmt.Fprintf(&replaced, "replace %[1]s => %[1]s v0%[2]s\n", name, strings.TrimPrefix(p.version, "v1"))
		}
	}
	return "\n" + replaced.String()
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
	aptGet(t, "update")
	aptGet(t, append([]string{"install", "-y", "--no-install-recommends"}, from...)...)
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v after installing %s", err, from)
	}
	return path
}

// aptGet runs apt-get as root.
func aptGet(t *testing.T, args ...string) {
	t.Helper()
	args = append([]string{"apt-get", "-q"}, args...)
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n", "--preserve-env=DEBIAN_FRONTEND"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// unpacked gives the path of a command out of a Debian package that is not
// installed: installing it would start its service.
func unpacked(t *testing.T, pkg, command string) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	dir := filepath.Join(suite.cache, "debian_"+pkg)
	program := filepath.Join(dir, command)
	if _, err := os.Stat(program); err == nil {
		return program
	}
	work := t.TempDir()
	run := func(name string, args ...string) error {
		cmd := exec.Command(name, args...)
		cmd.Dir = work
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
		return nil
	}
	err := run("apt-get", "-q", "download", pkg)
	if err != nil { // what apt knows may be of a release that is gone
		aptGet(t, "update")
		err = run("apt-get", "-q", "download", pkg)
	}
	if err != nil {
		t.Fatal(err)
	}
	archives, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("apt-get download %s: left %v, %v", pkg, archives, err)
	}
	if err := run("dpkg", "-x", archives[0], "files"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// Some releases have /bin, some have all of it in /usr/bin.
	found, err := filepath.Glob(filepath.Join(work, "files", "*", command))
	if err != nil || len(found) == 0 {
		found = []string{filepath.Join(work, "files", "usr", "bin", command)}
	}
	fresh := filepath.Join(dir, command+"."+filepath.Base(work))
	if err := run("cp", found[0], fresh); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, program); err != nil {
		t.Fatal(err)
	}
	return program
}
