package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// published gives a registry with one release of postgres, for others to
// serve its data another way.
func published(t *testing.T) *registry {
	t.Helper()
	reg := startDebian(t, "", access{})
	newPublisher(t, reg).publish("index", "postgres", older)
	return reg
}

// wanting is a project that wants that release from another registry.
func wanting(t *testing.T, from *registry) *project {
	t.Helper()
	return newProject(t, fmt.Sprintf("registry = \"%s/schemahero/plugins\"\n\n[plugins]\npostgres = \"*\"\n", from.addr))
}

// noLock fails the test where a failed command wrote a lock.
func noLock(t *testing.T, p *project) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(p.dir, "schemahero-plugins.lock")); err == nil {
		t.Error("a lock was written")
	}
}

func hostPlatform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// A login that oras stored is the login that this program uses.
func TestLogin(t *testing.T) {
	const user, password = "ann", "s3cret-PW"
	reg := startDebian(t, published(t).data, access{user: user, password: password})
	p := wanting(t, reg)
	if r := p.exit(6, "lock"); !strings.Contains(r.stderr, "login "+reg.addr) {
		t.Errorf("no hint to log in:\n%s", r.stderr)
	}
	noLock(t, p)

	login := command(t, p.dir, p.env, password, orasCLI.built(t), "login", "--plain-http", "-u", user, "--password-stdin", reg.addr)
	if login.code != 0 {
		t.Fatalf("oras login: exit %d: %s", login.code, login.stderr)
	}
	r := p.ok("sync", "-v")
	same(t, p.installed("postgres"), driver(t, "postgres", older, hostPlatform()))
	for _, secret := range []string{password, "YW5uOn"} { // "ann:" in base64
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("-v prints %q:\n%s%s", secret, r.stdout, r.stderr)
		}
	}
}

// From a registry that hands out tokens, a sync from a lock asks for each
// layer once, and for nothing else but tokens.
func TestTokens(t *testing.T) {
	tokens := newTokenServer(t)
	reg := startDebian(t, published(t).data, access{tokens: tokens})
	p := wanting(t, reg)
	p.ok("lock")
	reg.reset()
	tokens.tokens.Store(0)
	p.ok("sync", "--locked")
	same(t, p.installed("postgres"), driver(t, "postgres", older, hostPlatform()))

	want := layerRequests(t, p.lock())
	var answered []string
	for _, r := range reg.requests() {
		asked := r.method + " " + r.path
		switch {
		case r.status == "401" && slices.Contains(want, asked): // which tells where tokens are
		case r.status == "200":
			answered = append(answered, asked)
		default:
			t.Errorf("asked for %s, answered %s", asked, r.status)
		}
	}
	if !slices.Equal(answered, want) {
		t.Errorf("asked for %v, want %v", answered, want)
	}
	if n := tokens.tokens.Load(); n != 1 {
		t.Errorf("asked for %d tokens, want 1", n)
	}
}

// A certificate that nobody vouches for is refused; --ca-file vouches for it.
func TestCertificate(t *testing.T) {
	ca := newAuthority(t)
	reg := startDebian(t, published(t).data, access{tls: ca})
	p := wanting(t, reg)
	if r := p.exit(5, "lock"); !strings.Contains(r.stderr, "--ca-file") {
		t.Errorf("no hint about --ca-file:\n%s", r.stderr)
	}
	noLock(t, p)
	p.ok("sync", "--ca-file", ca.certFile)
	same(t, p.installed("postgres"), driver(t, "postgres", older, hostPlatform()))
}

// A registry that is down is worth another try, and changes nothing.
func TestDown(t *testing.T) {
	reg := published(t)
	p := wanting(t, reg)
	reg.stop()
	p.exit(5, "sync")
	noLock(t, p)
	if _, err := os.Lstat(p.installed("postgres")); err == nil {
		t.Error("something was installed")
	}
}

// The real driver answers a probe. One that the host would refuse does not,
// and the one before it stays.
func TestProbe(t *testing.T) {
	reg := published(t)
	newPublisher(t, reg).publish("index", "postgres", foreign)
	p := wanting(t, reg)
	p.ok("sync", "--probe")
	old := driver(t, "postgres", older, hostPlatform())
	same(t, p.installed("postgres"), old)

	p.manifest(strings.Replace(read(t, p.dir, "schemahero-plugins.toml"), "*", foreign, 1))
	r := p.run("sync", "--probe")
	if r.code == 0 || !strings.Contains(r.stderr, "speaks plugin protocol") {
		t.Errorf("exit %d:\n%s", r.code, r.stderr)
	}
	same(t, p.installed("postgres"), old)
	p.ok("sync")
	same(t, p.installed("postgres"), driver(t, "postgres", foreign, hostPlatform()))
}
