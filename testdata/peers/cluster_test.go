//go:build cluster

package peers

import (
	"archive/tar"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCluster is the way from a lock to a migrated table: SchemaHero's operator on a
// real node, whose pods load the drivers that the lock names.
func TestCluster(t *testing.T) {
	if os.Getenv(within) == "" {
		enter(t, clusterPrograms(t))
		return
	}
	n := startNode(t)
	defer n.explain()
	operator(n)
	database := startPostgres(n)
	n.ok(t, "", "create", "namespace", "app")

	// The first lock, its image, its policy.
	p := newProject(t, fmt.Sprintf("registry = \"%s/db/plugin-{name}\"\nplatforms = [\"linux/amd64\"]\n\n[plugins]\npostgres = \"^0.1\"\n", n.images.addr))
	p.env = append(p.env, "KUBECONFIG="+n.kubeconfig)
	driver := read(t, mustLook(t, "schemahero-postgres"))
	publish := func(version, executable string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "schemahero-postgres")
		if err := os.WriteFile(file, []byte(executable), 0o755); err != nil {
			t.Fatal(err)
		}
		p.ok("push", "postgres", version, "--registry", n.images.addr+"/db/plugin-{name}", "--platform", "linux/amd64="+file)
	}
	publish("0.1.0", driver)
	p.ok("sync")
	image := n.images.addr + "/db/drivers"
	deploy := func() (ref string) {
		t.Helper()
		ref = strings.TrimSpace(p.ok("image", "push", image+":locked").stdout)
		n.apply(t, p.ok("export", "kubernetes", "--image", image, "--namespace", "app", "--deny").stdout)
		return ref
	}
	first := deploy()
	n.until(t, "the policy acts on what is made", func() bool {
		r := command(t, n.dir, environment(n.dir, "KUBECONFIG="+n.kubeconfig), `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: next, namespace: app, labels: {control-plane: schemahero, database: next}}
spec:
  selector: {matchLabels: {database: next}}
  template:
    metadata: {labels: {control-plane: schemahero, database: next}}
    spec: {containers: [{name: manager, image: schemahero/schemahero-manager:0.24.0}]}
`, "kubectl", "create", "--dry-run=server", "-o", "yaml", "-f", "-")
		return strings.Contains(r.stdout, first)
	})

	// What the operator makes of a Database runs it.
	began := time.Now()
	made := fmt.Sprintf(`apiVersion: databases.schemahero.io/v1alpha4
kind: Database
metadata: {name: shop, namespace: app}
spec:
  immediateDeploy: true
  connection: {postgres: {uri: {value: %q}}}
`, database)
	n.apply(t, made)
	table, err := os.ReadFile("testdata/users.yaml")
	if err != nil {
		t.Fatal(err)
	}
	n.apply(t, strings.Replace(string(table), "name: users\n", "name: users\n  namespace: app\n", 1))
	n.until(t, "the migration is executed", func() bool {
		return strings.Contains(n.kubectl(t, "", "get", "migrations", "-n", "app", "-o", "jsonpath={.items[*].status.phase}").stdout, "EXECUTED")
	})
	t.Logf("from the applied Database to EXECUTED: %.1f s", time.Since(began).Seconds())
	out, err := exec.Command("psql", database, "-c", `\d users`).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "login") {
		t.Fatalf("the table was not made: %v\n%s", err, out)
	}
	if log := n.ok(t, "", "logs", "-n", "app", "shop-controller-0"); !strings.Contains(log, "/.schemahero/plugins/schemahero-postgres") {
		t.Errorf("the pod's log does not say that it loaded the locked driver:\n%s", log)
	}
	if got := p.ok("cluster", "check", "-n", "app", "--image", image).stdout; !strings.Contains(got, "locked") {
		t.Errorf("cluster check:\n%s", got)
	}

	// A changed lock rolls the pod, once.
	publish("0.1.1", driver+"\n") // other bytes, the same program
	p.ok("update")
	if got := p.exit(3, "cluster", "check", "-n", "app", "--image", image).stdout; !strings.Contains(got, "other") {
		t.Errorf("cluster check with a changed lock:\n%s", got)
	}
	before, pod := generation(n), uid(n)
	second := deploy()
	if first == second {
		t.Fatalf("the image of another lock has the same digest: %s", first)
	}
	n.until(t, "the policy acts on what the operator writes", func() bool {
		n.ok(t, "", "annotate", "database", "shop", "-n", "app", "--overwrite", "touched="+time.Now().Format(time.RFC3339Nano))
		return generation(n) != before
	})
	n.until(t, "the pod runs the new image", func() bool {
		return uid(n) != pod && strings.Contains(n.kubectl(t, "", "get", "pod", "shop-controller-0", "-n", "app", "-o", "yaml").stdout, second[strings.Index(second, "@"):]) &&
			n.kubectl(t, "", "get", "pod", "shop-controller-0", "-n", "app", "-o", "jsonpath={.status.phase}").stdout == "Running"
	})
	after, pod := generation(n), uid(n)
	for range 3 {
		n.ok(t, "", "annotate", "database", "shop", "-n", "app", "--overwrite", "touched="+time.Now().Format(time.RFC3339Nano))
	}
	// The operator takes one after another: it has seen those when it has made this.
	n.apply(t, strings.Replace(made, "name: shop", "name: later", 1))
	n.until(t, "the operator has made what came later", func() bool {
		return n.kubectl(t, "", "get", "statefulset", "later-controller", "-n", "app").code == 0
	})
	if generation(n) != after || uid(n) != pod {
		t.Errorf("what the operator writes again rolls the pod again: generation %s, then %s", after, generation(n))
	}
	n.ok(t, "", "delete", "database", "later", "-n", "app")
	p.ok("cluster", "check", "-n", "app", "--image", image)

	// Without the image a pod is refused.
	n.ok(t, "", "delete", "mutatingadmissionpolicies", "--all")
	var last result
	n.until(t, "a pod without the image is refused", func() bool {
		last = command(t, n.dir, environment(n.dir, "KUBECONFIG="+n.kubeconfig), `apiVersion: v1
kind: Pod
metadata: {name: bare, namespace: app, labels: {control-plane: schemahero, database: shop}}
spec: {containers: [{name: manager, image: schemahero/schemahero-manager:0.24.0}]}
`, "kubectl", "create", "--dry-run=server", "-f", "-")
		return last.code != 0
	})
	if !strings.Contains(last.stderr, "denied request") {
		t.Errorf("a pod without the image: %s", last.stderr)
	}
}

// generation is how often the Database's StatefulSet was changed.
func generation(n *node) string {
	return n.kubectl(n.t, "", "get", "statefulset", "shop-controller", "-n", "app", "-o", "jsonpath={.metadata.generation}").stdout
}

// uid is that of the Database's pod.
func uid(n *node) string {
	return n.kubectl(n.t, "", "get", "pod", "shop-controller-0", "-n", "app", "-o", "jsonpath={.metadata.uid}").stdout
}

// clusterPrograms builds what a node runs, by name.
func clusterPrograms(t *testing.T) map[string]string {
	t.Helper()
	source := os.Getenv("SCHEMAHERO")
	if source == "" {
		t.Fatal("SCHEMAHERO is not set: it names a clone of https://github.com/schemahero/schemahero, whose postgres driver this builds")
	}
	driver := filepath.Join(t.TempDir(), "schemahero-postgres")
	pause := filepath.Join(t.TempDir(), "pause")
	write(t, "module pause\n", filepath.Dir(pause), "go.mod")
	write(t, `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	<-ended
}
`, filepath.Dir(pause), "main.go")
	for out, dir := range map[string]string{driver: filepath.Join(source, "plugins", "postgres"), pause: filepath.Dir(pause)} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, ".")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", filepath.Base(out), err, text)
		}
	}
	programs := map[string]string{"etcd": unpacked(t, "etcd-server", "etcd"), "schemahero-postgres": driver, "pause": pause, "manager": schemaHeroManager.built(t), "kubectl-schemahero": schemaHero.built(t)}
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl"} {
		programs[name] = kubernetes(name).built(t)
	}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2"} {
		programs[name] = containerd(name).built(t)
	}
	return programs
}

// containerd is a program of containerd, without two file systems' snapshots.
func containerd(program string) peer {
	return peer{module: "github.com/containerd/containerd/v2", version: "v2.4.2", command: "cmd/" + program, tags: "no_btrfs,no_zfs"}
}

func mustLook(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// operator installs SchemaHero as its own command line does.
func operator(n *node) {
	t := n.t
	t.Helper()
	n.image("schemahero/schemahero-manager:0.24.0", "manager", []tar.Header{
		{Name: "tmp/", Mode: 0o1777, Typeflag: tar.TypeDir}, // the driver's socket
		{Name: "etc/passwd", Mode: 0o644, Typeflag: tar.TypeReg, Linkname: "schemahero-manager:x:1001:1001::/home/schemahero-manager:/\n"},
		{Name: "home/schemahero-manager/", Mode: 0o755, Uid: 1001, Gid: 1001, Typeflag: tar.TypeDir},
	}, `{"Entrypoint":["/manager","run"],"User":"1001","Env":["HOME=/home/schemahero-manager","PATH=/usr/bin:/bin"]}`)
	dir := t.TempDir()
	if r := command(t, dir, environment(n.dir), "", "kubectl-schemahero", "install", "--yaml", "--out-dir", dir); r.code != 0 {
		t.Fatalf("kubectl schemahero install --yaml: %s%s", r.stdout, r.stderr)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("install --yaml wrote nothing: %v", err)
	}
	n.ok(t, "", "create", "namespace", "schemahero-system")
	// A program that was built without its version does not know its image's tag.
	tagged := strings.NewReplacer("schemahero-manager:'", "schemahero-manager:0.24.0'", `- ""`, "- 0.24.0")
	for _, file := range files {
		n.apply(t, tagged.Replace(read(t, file)))
	}
	// The role that it installs may not grant what it grants the pods of a Database.
	n.ok(t, "", "create", "clusterrolebinding", "operator", "--clusterrole", "cluster-admin", "--serviceaccount", "schemahero-system:default")
}

// startPostgres starts a PostgreSQL that pods reach, and returns its URI.
func startPostgres(n *node) string {
	t := n.t
	t.Helper()
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		t.Fatalf("no PostgreSQL: %v", err)
	}
	// It refuses to run as root, and its folder must be its own.
	dir := n.file("postgres/start.sh", fmt.Sprintf(`set -eu
%[1]s/initdb -D data -U postgres >initdb.log
echo "host all all 10.0.0.0/8 trust" >>data/pg_hba.conf
exec %[1]s/postgres -D data -h 10.1.0.1 -k "$PWD" >postgres.log 2>&1
`, bins[len(bins)-1]))
	dir = filepath.Dir(dir)
	for _, path := range []string{filepath.Dir(filepath.Dir(n.dir)), filepath.Dir(n.dir), n.dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("chown", "-R", "postgres", dir).CombinedOutput(); err != nil {
		t.Fatalf("chown: %s", out)
	}
	n.start(t, "runuser", "-u", "postgres", "--", "env", "-C", dir, "bash", "start.sh")
	const uri = "postgres://postgres@10.1.0.1:5432/postgres?sslmode=disable"
	n.until(t, "PostgreSQL answers", func() bool { return exec.Command("psql", uri, "-c", "select 1").Run() == nil })
	return uri
}
