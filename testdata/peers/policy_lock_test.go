package peers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// withDatabase makes a namespace with a Database, whose pods nobody makes.
func withDatabase(t *testing.T, s *apiServer, namespace string) {
	t.Helper()
	s.install(t)
	s.namespace(t, namespace)
	s.ok(t, "", "create", "serviceaccount", "schemahero-db", "--namespace", namespace)
	s.apply(t, fmt.Sprintf(`apiVersion: databases.schemahero.io/v1alpha4
kind: Database
metadata: {name: db, namespace: %s}
spec: {connection: {postgres: {uri: {value: "postgres://localhost/db"}}}}
`, namespace))
}

// acts is what the program finds of the policy in a namespace.
func acts(p *project, s *apiServer, namespace, image string) string {
	p.t.Helper()
	return p.exit(3, "cluster", "check", "--kubeconfig", s.kubeconfig, "--namespace", namespace, "--image", image, "-o", "jsonpath={.items[0].policy}").stdout
}

// deployed pushes the image of a project's lock to a registry, applies the policy
// that the program writes, with more flags, and waits until the API server acts on
// it. It returns the image's reference and the spec of the operator's pods.
func deployed(t *testing.T, s *apiServer, p *project, reg *registry, namespace string, flags ...string) (ref string, spec any) {
	t.Helper()
	image := reg.addr + "/apps/drivers"
	ref = strings.TrimSpace(p.ok("image", "push", image+":prod").stdout)
	policy := p.ok(append([]string{"export", "kubernetes", "--image", image + ":prod", "--namespace", namespace, "--name", namespace}, flags...)...).stdout
	s.apply(t, policy)
	a := &applied{t: t, s: s, namespace: namespace}
	s.until(t, "the policy acts", func() bool {
		var refusal string
		if spec, refusal = a.send(namespace, a.target(databaseLabels(), operatorPod())); refusal != "" {
			t.Fatal(refusal)
		}
		text, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(text), ref)
	})
	// What mutates and what refuses are not taken up at the same moment.
	s.until(t, "cluster check finds that the policy acts", func() bool { return acts(p, s, namespace, image) == "acts" })
	return ref, spec
}

// TestPolicyOfLock goes from a lock to what a cluster admits, and on to the next lock.
func TestPolicyOfLock(t *testing.T) {
	s, reg := startAPIServer(t), published(t)
	p := wanting(t, reg)
	p.ok("lock")
	withDatabase(t, s, "of-lock")
	a := &applied{t: t, s: s, namespace: "of-lock"}
	// A StatefulSet from before there was a policy.
	object := statefulSet(databaseLabels(), operatorPod())
	if status, body := s.ask(t, http.MethodPost, "/apis/apps/v1/namespaces/of-lock/statefulsets", object); status != http.StatusCreated {
		t.Fatalf("status %d: %s", status, body)
	}
	stored := func() (generation any, image any) {
		t.Helper()
		var o struct{ Items []tree }
		if err := json.Unmarshal([]byte(s.ok(t, "", "get", "statefulsets", "-n", "of-lock", "-o", "json")), &o); err != nil || len(o.Items) != 1 {
			t.Fatalf("%v: %v", err, o)
		}
		volume := named(at(o.Items[0], "spec", "template", "spec", "volumes"), volumeName)
		return at(o.Items[0], "metadata", "generation"), at(volume, "image", "reference")
	}
	// annotate is the command of docs/cluster.md.
	annotate := func(value string) {
		t.Helper()
		s.ok(t, "", "annotate", "statefulsets", "--namespace", "of-lock", "--selector", "control-plane=schemahero,database", "--overwrite", "drivers="+value)
	}
	if got := acts(p, s, "of-lock", reg.addr+"/apps/drivers"); got != "absent" {
		t.Errorf("cluster check, before there is a policy: it is %s", got)
	}
	first, spec := deployed(t, s, p, reg, "of-lock", "--deny")
	if generation, image := stored(); generation != 1.0 || image != nil {
		t.Errorf("before anybody writes it, the StatefulSet is of generation %v with %v", generation, image)
	}
	annotate("1")
	annotate("2")
	if generation, image := stored(); generation != 2.0 || image != first {
		t.Errorf("the StatefulSet is of generation %v with %v", generation, image)
	}
	var refusal string
	s.until(t, "a pod without the image is refused", func() bool {
		_, refusal = a.send("of-lock", pod("db-controller-0", databaseLabels(), operatorPod()))
		return refusal != ""
	})
	if !strings.Contains(refusal, "the pod has no volume schemahero-drivers of "+first) {
		t.Errorf("refused with %q", refusal)
	}
	if _, refusal := a.send("of-lock", pod("db-controller-0", databaseLabels(), spec.(tree))); refusal != "" {
		t.Errorf("a pod of the StatefulSet that was admitted: %s", refusal)
	}

	// The lock moves on, and the policy with it; what ran until then is refused.
	newPublisher(t, reg).publish("index", "postgres", newer)
	p.ok("update", "--no-sync")
	second := strings.TrimSpace(p.ok("image", "push", reg.addr+"/apps/drivers").stdout)
	if first == second {
		t.Fatalf("another lock has the same image: %s", first)
	}
	p.exit(3, "export", "kubernetes", "--image", first)
	deployed(t, s, p, reg, "of-lock", "--deny")
	annotate("3")
	if generation, image := stored(); generation != 3.0 || image != second {
		t.Errorf("after the second lock the StatefulSet is of generation %v with %v", generation, image)
	}
	s.until(t, "a pod of the last lock is refused", func() bool {
		_, refusal = a.send("of-lock", pod("db-controller-0", databaseLabels(), spec.(tree)))
		return strings.Contains(refusal, "the pod has no volume schemahero-drivers of "+second)
	})

	// Nobody without the right to can change it.
	if r := s.kubectl(t, "", "--context", "member", "delete", "mutatingadmissionpolicy", "of-lock"); r.code == 0 || !strings.Contains(r.stderr, "forbidden") {
		t.Errorf("a member of another namespace deletes the policy: %s%s", r.stdout, r.stderr)
	}
	if status, _ := s.ask(t, http.MethodGet, "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies/of-lock", nil); status != http.StatusOK {
		t.Errorf("the policy is gone: status %d", status)
	}
}

// TestInitContainers runs what the API server makes of an operator's pod with
// --init-container: its commands, as its user, in the files of its images.
func TestInitContainers(t *testing.T) {
	s, reg := startAPIServer(t), published(t)
	p := wanting(t, reg)
	p.ok("lock")
	withDatabase(t, s, "copied")
	ref, spec := deployed(t, s, p, reg, "copied", "--init-container")

	copier := t.TempDir()
	if err := os.Mkdir(filepath.Join(copier, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, read(t, unpacked(t, "busybox-static", "busybox")), copier, "bin", "busybox")
	if err := os.Chmod(filepath.Join(copier, "bin", "busybox"), 0o755); err != nil {
		t.Fatal(err)
	}
	drivers := rootfs(t, ref)
	// The volumes are folders that anybody may write to. They are moved from one root
	// to the other, as they would be mounted.
	volume := filepath.Join(drivers, "drivers")
	for _, dir := range []string{filepath.Join(copier, "copier"), filepath.Join(copier, "drivers"), volume} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	containers, _ := at(spec, "initContainers").([]any)
	if len(containers) != 2 {
		t.Fatalf("init containers: %v", containers)
	}
	// Both again: the kubelet starts them once more where the node was restarted, and
	// the volumes stay.
	for range 2 {
		runIn(t, copier, containers[0])
		if err := os.Rename(filepath.Join(copier, "copier"), filepath.Join(drivers, "copier")); err != nil {
			t.Fatal(err)
		}
		runIn(t, drivers, containers[1])
		if err := os.Rename(filepath.Join(drivers, "copier"), filepath.Join(copier, "copier")); err != nil {
			t.Fatal(err)
		}
	}
	found, err := filepath.EvalSymlinks(filepath.Join(volume, "schemahero-postgres"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, found, driver(t, "postgres", older, hostPlatform()))
	if names, err := filepath.Glob(filepath.Join(volume, "*")); err != nil || len(names) != 2 || filepath.Dir(found) != volume {
		t.Errorf("the volume holds %v, %v", names, err)
	}
}

// runIn runs a container's command in a root of its own, as the container's user.
func runIn(t *testing.T, root string, container any) {
	t.Helper()
	args := []string{"chroot", fmt.Sprintf("--userspec=%[1]v:%[1]v", at(container, "securityContext", "runAsUser")), root}
	for _, word := range at(container, "command").([]any) {
		args = append(args, word.(string))
	}
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	if r := command(t, root, environment(root), "", args[0], args[1:]...); r.code != 0 {
		t.Fatalf("%s: exit %d: %s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
}

// rootfs unpacks an image, for this machine's platform, as a node does.
func rootfs(t *testing.T, ref string) string {
	t.Helper()
	layout, root := t.TempDir(), t.TempDir()
	r := command(t, layout, environment(layout), "", debian(t, "skopeo", "skopeo"), "--insecure-policy", "copy", "-q", "--src-tls-verify=false", "docker://"+ref, "oci:image")
	if r.code != 0 {
		t.Fatalf("skopeo copy: %s%s", r.stdout, r.stderr)
	}
	blob := func(digest string) string {
		return filepath.Join(layout, "image", "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
	}
	var index struct{ Manifests []struct{ Digest string } }
	var manifest struct{ Layers []struct{ Digest string } }
	if err := json.Unmarshal([]byte(read(t, layout, "image", "index.json")), &index); err != nil || len(index.Manifests) != 1 {
		t.Fatalf("skopeo wrote %v, %v", index, err)
	}
	if err := json.Unmarshal([]byte(read(t, blob(index.Manifests[0].Digest))), &manifest); err != nil {
		t.Fatal(err)
	}
	for _, layer := range manifest.Layers {
		if out, err := exec.Command("tar", "-xzf", blob(layer.Digest), "-C", root).CombinedOutput(); err != nil {
			t.Fatalf("tar: %v: %s", err, out)
		}
	}
	return root
}
