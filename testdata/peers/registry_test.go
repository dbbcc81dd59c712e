package peers

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// access is how a registry is reached; its zero value is open plain HTTP.
type access struct {
	user, password string // htpasswd, if there is a user
	tokens         *tokenServer
	tls            *authority
}

// registry is a real registry server on a free port of this machine, with its
// data in a folder of the test's.
type registry struct {
	t      *testing.T
	addr   string // host:port
	data   string // its files: two registries can serve one folder
	access access

	program string
	config  string
	log     string
	cmd     *exec.Cmd
	exited  chan struct{}
	marks   int
}

// startDebian starts Debian's docker-registry (distribution 2.8). data may be
// another registry's, or "" for an empty one.
func startDebian(t *testing.T, data string, a access) *registry {
	t.Helper()
	return startRegistry(t, debian(t, "docker-registry", "docker-registry"), data, a)
}

// startDistribution starts distribution v3.
func startDistribution(t *testing.T, data string, a access) *registry {
	t.Helper()
	return startRegistry(t, distribution.built(t), data, a)
}

func startRegistry(t *testing.T, program, data string, a access) *registry {
	t.Helper()
	dir := t.TempDir()
	r := &registry{
		t: t, program: program, data: data, access: a,
		config: filepath.Join(dir, "registry.yml"),
		log:    filepath.Join(dir, "access.log"),
	}
	if r.data == "" {
		r.data = filepath.Join(dir, "data")
	}
	t.Cleanup(r.stop)
	// Between finding a free port and the server's listening on it, another
	// process can take it.
	for range 3 {
		r.addr = freeAddress(t)
		r.configure(dir)
		if r.start() {
			return r
		}
	}
	t.Fatalf("%s does not start:\n%s", program, read(t, r.log))
	return nil
}

// configure writes the server's configuration.
func (r *registry) configure(dir string) {
	r.t.Helper()
	text := fmt.Sprintf(`version: 0.1
log: {level: warn, accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}
http:
  addr: %s
`, r.data, r.addr)
	if a := r.access.tls; a != nil {
		text += fmt.Sprintf("  tls: {certificate: %q, key: %q}\n", a.certFile, a.keyFile)
	}
	if r.access.user != "" {
		htpasswd := filepath.Join(dir, "htpasswd")
		out, err := exec.Command(debian(r.t, "htpasswd", "apache2-utils"), "-Bbn", r.access.user, r.access.password).Output()
		if err != nil {
			r.t.Fatal("htpasswd: ", err)
		}
		write(r.t, string(out), htpasswd)
		text += fmt.Sprintf("auth: {htpasswd: {realm: peers, path: %q}}\n", htpasswd)
	}
	if s := r.access.tokens; s != nil {
		text += fmt.Sprintf("auth: {token: {realm: %q, service: peers, issuer: peers, rootcertbundle: %q}}\n", s.server.URL, s.signer.certFile)
	}
	write(r.t, text, r.config)
}

// start runs the server and waits until it accepts connections. It reports
// false if the server ended instead.
func (r *registry) start() bool {
	r.t.Helper()
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		r.t.Fatal(err)
	}
	defer log.Close()
	r.cmd = exec.Command(r.program, "serve", r.config)
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.Env = environment(r.t.TempDir(), "OTEL_TRACES_EXPORTER=none") // v3 sends traces otherwise
	ownGroup(r.cmd)
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.exited = make(chan struct{})
	go func() {
		_ = r.cmd.Wait() // it is always killed
		close(r.exited)
	}()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	late := time.After(30 * time.Second)
	for {
		if conn, err := net.Dial("tcp", r.addr); err == nil {
			_ = conn.Close()
			return true
		}
		select {
		case <-again.C:
		case <-r.exited:
			return false
		case <-late:
			r.t.Fatalf("%s: listens on nothing after 30 s:\n%s", r.program, read(r.t, r.log))
		}
	}
}

// stop ends the server; its data stays.
func (r *registry) stop() {
	if r.cmd == nil || r.cmd.Process == nil {
		return
	}
	endGroup(r.cmd)
	<-r.exited
	r.cmd = nil
}

// request is one line of the access log.
type request struct {
	method, path string
	status       string // such as "200"
}

// reset forgets the requests so far.
func (r *registry) reset() {
	r.t.Helper()
	r.settle()
	if err := os.Truncate(r.log, 0); err != nil {
		r.t.Fatal(err)
	}
}

// requests gives what was asked of the registry since reset, without the
// pings of /v2/ that find out how to log in.
func (r *registry) requests() []request {
	r.t.Helper()
	r.settle()
	var all []request
	for _, m := range regexp.MustCompile(`"([A-Z]+) (/v2/[^ "]*) HTTP/[0-9.]+" ([0-9]+)`).FindAllStringSubmatch(read(r.t, r.log), -1) {
		if path, _, _ := strings.Cut(m[2], "?"); path != "/v2/" {
			all = append(all, request{m[1], m[2], m[3]})
		}
	}
	return all
}

// settle waits until the log holds every request that has been answered: the
// server writes a line when it is done with a request, which can be after the
// client is. A request of our own marks the end.
func (r *registry) settle() {
	r.t.Helper()
	r.marks++
	mark := fmt.Sprintf("/v2/?mark=%d", r.marks)
	response, err := r.client().Get(r.url() + mark)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = response.Body.Close()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	late := time.After(10 * time.Second)
	for !strings.Contains(read(r.t, r.log), mark+" ") {
		select {
		case <-again.C:
		case <-late:
			r.t.Fatalf("the access log of %s lacks %s:\n%s", r.program, mark, read(r.t, r.log))
		}
	}
}

func (r *registry) url() string {
	if r.access.tls != nil {
		return "https://" + r.addr
	}
	return "http://" + r.addr
}

func (r *registry) client() *http.Client {
	if r.access.tls == nil {
		return http.DefaultClient
	}
	return r.access.tls.client()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
