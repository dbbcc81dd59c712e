package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// apiServer is Kubernetes' real API server over etcd, without nodes and
// controllers: it admits and stores, and nothing runs. All tests share one, each
// in namespaces of its own; it takes seconds to start.
type apiServer struct {
	// kubeconfig has three contexts: admin, the current one; viewer, whom RBAC
	// allows nothing; and member, who may do anything in the namespace team and
	// nothing elsewhere.
	kubeconfig string
	url        string
	dir        string // its own files, and its logs
	client     *http.Client
	running    []*server
}

// server is one of its two programs.
type server struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

var shared struct {
	starting sync.Mutex
	api      *apiServer
}

// startAPIServer gives the tests' API server, and starts it where none runs.
func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	apiserver, etcd := kubernetes("kube-apiserver").built(t), unpacked(t, "etcd-server", "etcd")
	shared.starting.Lock()
	defer shared.starting.Unlock()
	if shared.api != nil {
		return shared.api
	}
	dir, err := os.MkdirTemp("", "peers-apiserver-")
	if err != nil {
		t.Fatal(err)
	}
	s := &apiServer{dir: dir}
	defer func() {
		if shared.api == nil {
			s.stop()
		}
	}()
	s.serve(t, apiserver, etcd, newAuthorityIn(t, dir), freeAddress(t), "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1",
		// The policies' API before it was finished, which clusters before 1.36 have.
		"--runtime-config", "admissionregistration.k8s.io/v1beta1=true")
	s.apply(t, `{apiVersion: v1, kind: Namespace, metadata: {name: team}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: member, namespace: team}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: member, namespace: team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: member}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: member}]
`)
	s.account(t, "team")
	shared.api = s
	return s
}

// serve starts etcd and an API server that is reached at addr, and waits until it
// answers.
func (s *apiServer) serve(t *testing.T, apiserver, etcd string, ca *authority, addr string, more ...string) {
	t.Helper()
	client, peer := "http://"+freeAddress(t), "http://"+freeAddress(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	s.url, s.client = "https://"+addr, ca.client()
	tokens := filepath.Join(s.dir, "tokens.csv")
	write(t, "admintoken,admin,admin,system:masters\nviewtoken,viewer,viewer,\nmembertoken,member,member,\n", tokens)
	s.kubeconfig = s.config(t, "kubeconfig", s.url)
	s.start(t, etcd, "--name", "peers", "--data-dir", filepath.Join(s.dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
		"--initial-advertise-peer-urls", peer, "--initial-cluster", "peers="+peer, "--logger", "zap", "--log-level", "warn")
	s.start(t, apiserver, append([]string{"--etcd-servers", client, "--secure-port", port,
		"--endpoint-reconciler-type", "none", "--service-cluster-ip-range", "10.0.0.0/24", "--authorization-mode", "RBAC",
		"--tls-cert-file", ca.certFile, "--tls-private-key-file", ca.keyFile, "--token-auth-file", tokens, "--profiling=false",
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", ca.certFile, "--service-account-signing-key-file", ca.keyFile,
	}, more...)...)
	s.until(t, "the API server is ready", func() bool { return s.kubectl(t, "", "get", "--raw", "/readyz").stdout == "ok" })
	s.until(t, "the API server has made its namespaces", func() bool { return s.kubectl(t, "", "get", "namespace", "default").code == 0 })
}

// config writes a kubeconfig for the server at url, under name, and returns its
// path.
func (s *apiServer) config(t *testing.T, name, url string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	write(t, fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: admin
clusters: [{name: peers, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: admin, user: {token: admintoken}}, {name: viewer, user: {token: viewtoken}}, {name: member, user: {token: membertoken}}]
contexts:
- {name: admin, context: {cluster: peers, user: admin}}
- {name: viewer, context: {cluster: peers, user: viewer}}
- {name: member, context: {cluster: peers, user: member, namespace: team}}
`, url, filepath.Join(s.dir, "cert.pem")), path)
	return path
}

// start runs a program until the tests are over.
func (s *apiServer) start(t *testing.T, program string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(s.dir, filepath.Base(program)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	one := &server{cmd: exec.Command(program, args...), exited: make(chan struct{})}
	one.cmd.Dir, one.cmd.Env, one.cmd.Stdout, one.cmd.Stderr = s.dir, environment(s.dir), log, log
	ownGroup(one.cmd)
	if err := one.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.running = append(s.running, one)
	go func() {
		_ = one.cmd.Wait() // it is always killed
		close(one.exited)
	}()
}

// until waits for something to hold.
func (s *apiServer) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	late := time.After(commandLimit)
	for !holds() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("not after %s: %s\n%s", commandLimit, what, s.logs(t))
		}
		for _, one := range s.running {
			select {
			case <-one.exited:
				t.Fatalf("%s has ended\n%s", one.cmd.Path, s.logs(t))
			default:
			}
		}
	}
}

// logs is the end of what each program says.
func (s *apiServer) logs(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, one := range s.running {
		name := filepath.Base(one.cmd.Path)
		text := read(t, s.dir, name+".log")
		fmt.Fprintf(&out, "%s: …%s\n", name, text[max(0, len(text)-2000):])
	}
	return out.String()
}

// kubectl runs kubectl as admin, with stdin.
func (s *apiServer) kubectl(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return command(t, s.dir, environment(s.dir, "KUBECONFIG="+s.kubeconfig), stdin, kubectl(t), args...)
}

// ok runs kubectl, which must succeed, and returns its output.
func (s *apiServer) ok(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := s.kubectl(t, stdin, args...)
	if r.code != 0 {
		t.Fatalf("kubectl %s: exit %d\n%s%s\n%s", strings.Join(args, " "), r.code, r.stdout, r.stderr, stdin)
	}
	return r.stdout
}

// apply has kubectl apply YAML; an unknown field is an error.
func (s *apiServer) apply(t *testing.T, yaml string) {
	t.Helper()
	s.ok(t, yaml, "apply", "--validate=strict", "-f", "-")
}

// namespace makes a namespace, in which pods can be made.
func (s *apiServer) namespace(t *testing.T, name string) {
	t.Helper()
	s.ok(t, "", "create", "namespace", name)
	s.account(t, name)
}

// account makes the account of a namespace's pods, which a controller makes in a
// real cluster.
func (s *apiServer) account(t *testing.T, namespace string) {
	t.Helper()
	s.ok(t, "", "create", "serviceaccount", "default", "--namespace", namespace)
}

// install installs the kinds of SchemaHero's objects, as its own command line
// writes them.
func (s *apiServer) install(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	if r := command(t, dir, environment(dir), "", schemaHero.built(t), "install", "--yaml", "--out-dir", dir); r.code != 0 {
		t.Fatalf("kubectl schemahero install --yaml: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if text := read(t, file); strings.Contains(text, "kind: CustomResourceDefinition") {
			s.ok(t, text, "apply", "-f", "-")
		}
	}
	s.until(t, "the API server serves databases", func() bool { return s.kubectl(t, "", "get", "databases", "-A").code == 0 })
}

// ask sends an object as admin, without the time that kubectl takes to start, and
// returns the answer's status and body.
func (s *apiServer) ask(t *testing.T, method, path string, object any) (int, []byte) {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer admintoken")
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

// stop ends the API server, and then etcd: without it the API server would linger.
func (s *apiServer) stop() {
	for i := len(s.running) - 1; i >= 0; i-- {
		endGroup(s.running[i].cmd)
		<-s.running[i].exited
	}
	_ = os.RemoveAll(s.dir)
}

// stopAPIServer ends what startAPIServer started.
func stopAPIServer() {
	if shared.api != nil {
		shared.api.stop()
	}
}
