//go:build cluster

package peers

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A node is Kubernetes on this machine: API server, controller manager, scheduler,
// containerd and kubelet, in namespaces of its own (testdata/node/enter.sh), of
// which this process is the first.
type node struct {
	*apiServer
	t      *testing.T
	images *registry
}

// within is the variable that tells the test that it is inside the namespaces, and
// which folder the node's files are to be in: what is mounted there keeps it from
// being removed from inside.
const within = "PEERS_NODE"

// enter runs the test that calls it once more inside the namespaces of a node. No
// network is left there: what the test needs is built and installed before, and
// PATH begins with a folder of programs.
func enter(t *testing.T, programs map[string]string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("a node needs root: for namespaces, mounts and containers")
	}
	for name, pkg := range map[string]string{
		runc: "runc", "docker-registry": "docker-registry", "ip": "iproute2", "skopeo": "skopeo", "psql": "postgresql", cniPlugins + "/bridge": "containernetworking-plugins",
	} {
		debian(t, name, pkg)
	}
	bin := t.TempDir()
	for name, path := range programs {
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs("testdata/node/enter.sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(script, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), within+"="+t.TempDir(), "PATH="+bin+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("inside the node's namespaces: %v", err)
	}
}

// Where Debian puts them, which is on no user's PATH.
const (
	cniPlugins = "/usr/lib/cni"
	runc       = "/usr/sbin/runc"
)

// startNode brings a node up, with a registry that holds its images, and returns
// when it is ready.
func startNode(t *testing.T) *node {
	t.Helper()
	n := &node{apiServer: &apiServer{dir: os.Getenv(within)}, t: t, images: startDebian(t, "", access{})}
	n.hosts(n.images.addr, n.images.addr)
	n.hosts("docker.io", n.images.addr)
	n.image("k8s/pause:1", "pause", nil, `{"Entrypoint":["/pause"]}`)

	ca := newAuthorityIn(t, n.dir)
	n.serve(t, mustLook(t, "kube-apiserver"), mustLook(t, "etcd"), ca, "127.0.0.1:443", "--bind-address", "0.0.0.0", "--advertise-address", "10.0.0.1",
		"--allow-privileged=true", "--client-ca-file", ca.certFile,
		"--kubelet-client-certificate", ca.certFile, "--kubelet-client-key", ca.keyFile, "--kubelet-preferred-address-types", "InternalIP")
	n.start(t, "kube-controller-manager", "--kubeconfig", n.kubeconfig, "--service-account-private-key-file", ca.keyFile, "--root-ca-file", ca.certFile,
		"--leader-elect=false", "--bind-address", "127.0.0.1")
	n.start(t, "kube-scheduler", "--kubeconfig", n.kubeconfig, "--leader-elect=false", "--bind-address", "127.0.0.1")

	n.file("cni/10-pods.conflist", `{"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"bridge","bridge":"cni0","isGateway":true,
"ipam":{"type":"host-local","dataDir":"/run/cni/ipam","ranges":[[{"subnet":"10.244.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}`)
	const socket = "/run/containerd/containerd.sock"
	config := n.file("containerd.toml", fmt.Sprintf(`version = 3
root = "%[1]s/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = %[2]q
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "%[3]s/k8s/pause:1"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "%[1]s/certs.d"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true # root without CAP_SYS_RESOURCE may not lower it
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = [%[4]q]
    conf_dir = "%[1]s/cni"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = %[5]q
      SystemdCgroup = false
`, n.dir, socket, n.images.addr, cniPlugins, runc))
	n.start(t, "containerd", "-c", config)
	n.until(t, "containerd listens", func() bool { _, err := os.Stat(socket); return err == nil })
	config = n.file("kubelet.yaml", fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
containerRuntimeEndpoint: "unix://%s"
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: %q}}
authorization: {mode: AlwaysAllow}
evictionHard: {memory.available: 50Mi, nodefs.available: 1%%, imagefs.available: 1%%}
imageGCHighThresholdPercent: 100
resolvConf: /dev/null
readOnlyPort: 0
oomScoreAdj: 0
`, socket, ca.certFile))
	n.start(t, "kubelet", "--kubeconfig", n.kubeconfig, "--config", config, "--root-dir", filepath.Join(n.dir, "kubelet"),
		"--cert-dir", filepath.Join(n.dir, "pki"), "--hostname-override", "node1", "--node-ip", "10.1.0.1")
	n.until(t, "the node is ready", func() bool {
		return n.kubectl(t, "", "get", "node", "node1", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`).stdout == "True"
	})
	return n
}

// explain says what there is when a test has failed.
func (n *node) explain() {
	if !n.t.Failed() {
		return
	}
	for _, what := range []string{"get pods -A -o wide", "get events -A", "logs -n schemahero-system schemahero-0", "logs -n app shop-controller-0"} {
		r := n.kubectl(n.t, "", strings.Fields(what)...)
		n.t.Logf("kubectl %s: %s%s", what, r.stdout, r.stderr)
	}
	n.t.Log(n.logs(n.t))
}

// file writes a file of the node's and returns its path.
func (n *node) file(name, text string) string {
	n.t.Helper()
	path := filepath.Join(n.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		n.t.Fatal(err)
	}
	write(n.t, text, path)
	return path
}

// hosts tells containerd where to find a registry's images.
func (n *node) hosts(registry, addr string) {
	n.t.Helper()
	n.file("certs.d/"+registry+"/hosts.toml", fmt.Sprintf("server = \"http://%[1]s\"\n[host.\"http://%[1]s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", addr))
}

// image makes an image of one program on PATH, and of files, and pushes it.
func (n *node) image(name, program string, files []tar.Header, config string) {
	n.t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		n.t.Fatal(err)
	}
	var layer, archive bytes.Buffer
	w := tar.NewWriter(&layer)
	add := func(w *tar.Writer, h tar.Header, data string) {
		h.Size = int64(len(data))
		if err := w.WriteHeader(&h); err != nil {
			n.t.Fatal(err)
		}
		if _, err := w.Write([]byte(data)); err != nil {
			n.t.Fatal(err)
		}
	}
	add(w, tar.Header{Name: program, Mode: 0o755, Typeflag: tar.TypeReg}, read(n.t, path))
	for _, h := range files {
		data := h.Linkname // of a regular file: what is in it
		h.Linkname = ""
		add(w, h, data)
	}
	if err := w.Close(); err != nil {
		n.t.Fatal(err)
	}
	sum := sha256.Sum256(layer.Bytes())
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "Layers": []string{"layer.tar"}}})
	if err != nil {
		n.t.Fatal(err)
	}
	w = tar.NewWriter(&archive)
	add(w, tar.Header{Name: "manifest.json", Mode: 0o644}, string(manifest))
	add(w, tar.Header{Name: "config.json", Mode: 0o644}, fmt.Sprintf(
		`{"architecture":"amd64","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}`, config, hex.EncodeToString(sum[:])))
	add(w, tar.Header{Name: "layer.tar", Mode: 0o644}, layer.String())
	if err := w.Close(); err != nil {
		n.t.Fatal(err)
	}
	from := n.file("image.tar", archive.String())
	r := command(n.t, n.dir, environment(n.dir), "", "skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", "docker-archive:"+from, "docker://"+n.images.addr+"/"+name)
	if r.code != 0 {
		n.t.Fatalf("skopeo copy to %s: %s", name, r.stderr)
	}
}
