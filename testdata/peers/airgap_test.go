package peers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// startServe starts the program's own registry, or a bundle as one, and gives
// its address.
func startServe(t *testing.T, args ...string) (addr string, stop func()) {
	t.Helper()
	cmd := exec.Command(suite.plugin, append([]string{"serve"}, args...)...)
	cmd.Dir, cmd.Env = t.TempDir(), environment(t.TempDir())
	ownGroup(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			endGroup(cmd)
			_ = cmd.Wait() // it was killed
			stopped = true
		}
	}
	t.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("serve tells no address: ", err)
	}
	return strings.TrimSpace(line), stop
}

// releases publishes two drivers in two layouts, the first signed in each way
// that a copy must carry, and gives the digests of its index and of what refers
// to that.
func releases(t *testing.T, reg *registry) (p *publisher, signed, signature string) {
	t.Helper()
	p = newPublisher(t, reg)
	p.publish("index", "postgres", newer)
	p.publish("tags", "mysql", newer)
	repo := p.namespace() + "/postgres"
	signed = strings.TrimSpace(p.run(t.TempDir(), "resolve", "--plain-http", repo+":"+newer))
	dir := t.TempDir()
	write(t, "a signature", dir, "signature")
	signature = strings.TrimSpace(p.run(dir, "attach", "--plain-http", "--artifact-type", "application/x.signature", "--format", "go-template={{.digest}}", repo+"@"+signed, "signature:text/plain"))
	p.run(dir, "push", "--plain-http", repo+":"+strings.Replace(signed, ":", "-", 1)+".sig", "signature:text/plain")
	return p, signed, signature
}

// alone runs a command in a network namespace that has no interface, not even a
// loopback that is up. That takes root, or a kernel that lets users make user
// namespaces; where neither is, the command runs as it is: every registry is
// stopped by then, and --offline is given.
func (p *project) alone(args ...string) result {
	p.t.Helper()
	for _, unshare := range [][]string{{"unshare", "-n"}, {"unshare", "-r", "-n"}} {
		if exec.Command(unshare[0], append(unshare[1:], "true")...).Run() == nil {
			line := append(append(unshare[1:], suite.plugin), args...)
			return command(p.t, p.dir, p.env, "", unshare[0], line...)
		}
	}
	p.t.Log("no network namespace can be made here: running with --offline, all registries stopped")
	return p.run(append(args, "--offline")...)
}

// empty is a user with nothing but a folder.
func empty(t *testing.T) *project {
	t.Helper()
	p := &project{t: t, dir: t.TempDir(), home: t.TempDir()}
	p.env = environment(p.home)
	return p
}

// TestAirGap carries what a lock names over a gap, in each way there is.
func TestAirGap(t *testing.T) {
	a := startDistribution(t, "", access{})
	pub, signed, signature := releases(t, a)
	b := startDebian(t, "", access{}) // has no referrers API
	c, stopC := startServe(t)

	online := newProject(t, fmt.Sprintf("registry = %q\n\n[plugins]\npostgres = \"*\"\nmysql = \"*\"\n", pub.namespace()))
	online.ok("lock")
	for _, target := range []string{b.addr, c} {
		r := online.ok("mirror", target)
		if want := fmt.Sprintf("[mirrors]\n%q = [%q]\n", a.addr, target); !strings.HasSuffix(r.stdout, want) {
			t.Errorf("mirror prints %s, want it to end in %s", r.stdout, want)
		}
	}
	online.ok("bundle", "create", "drivers.tar")
	bundle := filepath.Join(online.dir, "drivers.tar")
	a.stop()

	t.Run("mirrors", func(t *testing.T) {
		for name, target := range map[string]string{"2.8.2": b.addr, "serve": c} {
			p := newProject(t, read(t, online.dir, "schemahero-plugins.toml"))
			write(t, online.lock(), p.dir, "schemahero-plugins.lock")
			mirrored(t, p, a.addr, target)
			p.ok("sync", "--locked")
			same(t, p.installed("postgres"), driver(t, "postgres", newer, runtime.GOOS+"/"+runtime.GOARCH))
			// The mirror has all that there is to know: the chain, the tags, and
			// in the end the same bundle.
			p.ok("verify", "--remote")
			p.ok("bundle", "create", "again.tar")
			if read(t, p.dir, "again.tar") != read(t, bundle) {
				t.Errorf("%s: a bundle made from the mirror is another one", name)
			}
		}
	})
	t.Run("signatures", func(t *testing.T) {
		for _, target := range []string{b.addr, c} {
			repo := target + "/schemahero/plugins/postgres"
			found := pub.run(t.TempDir(), "discover", "--plain-http", "--format", "json", repo+"@"+signed)
			if !strings.Contains(found, signature) { // its type is told wrongly by some
				t.Errorf("%s: oras finds no referrer: %s", target, found)
			}
			pub.run(t.TempDir(), "manifest", "fetch", "--plain-http", repo+":"+strings.Replace(signed, ":", "-", 1)+".sig")
		}
		// The registry without the API got the fallback tag.
		pub.run(t.TempDir(), "manifest", "fetch", "--plain-http", b.addr+"/schemahero/plugins/postgres:"+strings.Replace(signed, ":", "-", 1))
	})
	b.stop()
	stopC()

	t.Run("bundle", func(t *testing.T) {
		p := empty(t)
		if r := p.alone("sync", "--from", bundle); r.code != 0 {
			t.Fatalf("sync --from: exit %d\n%s%s", r.code, r.stdout, r.stderr)
		}
		same(t, p.installed("mysql"), driver(t, "mysql", newer, runtime.GOOS+"/"+runtime.GOARCH))
		if got := p.plan("postgres", "postgres://u:p@127.0.0.1/shop"); got != usersDDL {
			t.Errorf("the host plans %s", got)
		}
	})
	t.Run("offline", func(t *testing.T) {
		p := empty(t)
		write(t, online.lock(), p.dir, "schemahero-plugins.lock")
		r := p.alone("sync", "--frozen", "--offline")
		if r.code != 1 || !strings.Contains(r.stderr, "bundle create") {
			t.Errorf("sync --offline with nothing here: exit %d\n%s", r.code, r.stderr)
		}
	})
	t.Run("one platform", func(t *testing.T) {
		// Inside there are no other platforms: distribution 2.8 takes no index
		// without them, which is said, and a locked sync works all the same.
		d := startDebian(t, "", access{})
		p := empty(t)
		write(t, read(t, online.dir, "schemahero-plugins.toml"), p.dir, "schemahero-plugins.toml")
		write(t, online.lock(), p.dir, "schemahero-plugins.lock")
		host := runtime.GOOS + "/" + runtime.GOARCH
		r := p.exit(1, "mirror", d.addr, "--from", bundle, "--platform", host)
		if !strings.Contains(r.stderr, "refused without its other platforms") {
			t.Errorf("mirror --platform: %s", r.stderr)
		}
		mirrored(t, p, a.addr, d.addr)
		p.ok("sync", "--locked")
		same(t, p.installed("postgres"), driver(t, "postgres", newer, host))
	})
	t.Run("other tools", func(t *testing.T) { otherTools(t, pub, bundle, signed, signature) })
	t.Run("served", func(t *testing.T) {
		addr, _ := startServe(t, "--bundle", bundle)
		dir := t.TempDir()
		pub.run(dir, "pull", "--plain-http", "--platform", "linux/amd64", addr+"/schemahero/plugins/postgres:"+newer)
		if _, err := os.Stat(filepath.Join(dir, "schemahero-postgres-linux-amd64.tar.gz")); err != nil {
			t.Error(err)
		}
		if found := pub.run(dir, "discover", "--plain-http", "--format", "json", addr+"/schemahero/plugins/postgres@"+signed); !strings.Contains(found, signature) {
			t.Errorf("oras finds no referrer: %s", found)
		}
	})
	t.Run("damage", func(t *testing.T) { damage(t, bundle) })
}

// mirrored makes a project's home use a mirror.
func mirrored(t *testing.T, p *project, origin, target string) {
	t.Helper()
	home := filepath.Join(p.home, ".schemahero")
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, fmt.Sprintf("[mirrors]\n%q = [%q]\n", origin, target), home, "config.toml")
}

// otherTools reads a bundle with oras and skopeo.
func otherTools(t *testing.T, pub *publisher, bundle, signed, signature string) {
	dir := t.TempDir()
	pub.run(dir, "cp", "-r", "--from-oci-layout", bundle+":postgres-"+newer, "--to-oci-layout", "copy:x")
	found := pub.run(dir, "discover", "--oci-layout", "--format", "json", "copy@"+signed)
	if !strings.Contains(found, signature) {
		t.Errorf("oras cp -r of the bundle has no referrer: %s", found)
	}
	pub.run(dir, "pull", "--oci-layout", "--platform", "linux/amd64", bundle+":postgres-"+newer)
	pub.run(dir, "pull", "--oci-layout", bundle+":mysql-"+newer+"-darwin-arm64")
	for _, file := range []string{"schemahero-postgres-linux-amd64.tar.gz", "schemahero-mysql-darwin-arm64.tar.gz"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}
	skopeo := debian(t, "skopeo", "skopeo")
	r := command(t, dir, environment(pub.home), "", skopeo, "inspect", "--raw", "oci-archive:"+bundle+":postgres-"+newer)
	var index struct{ Manifests []json.RawMessage }
	if r.code != 0 || json.Unmarshal([]byte(r.stdout), &index) != nil || len(index.Manifests) != len(platforms) {
		t.Errorf("skopeo inspect oci-archive: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}

// damage changes a bundle in one byte, or cuts it, at random: it is refused, and
// nothing is installed. Only a byte that the tar holds beside the files, a time
// or an owner, may change; what is installed is then the same.
func damage(t *testing.T, bundle string) {
	whole := []byte(read(t, bundle))
	sound, names := empty(t), []string{"postgres", "mysql"}
	sound.ok("sync", "--from", bundle)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	file := filepath.Join(t.TempDir(), "damaged.tar")
	// Half of the places near the start, where headers, index and lock are.
	places := func() int {
		if r.IntN(2) == 0 {
			return r.IntN(min(len(whole), 64<<10))
		}
		return r.IntN(len(whole))
	}
	for i := range 40 {
		p := empty(t)
		at := places()
		what, data := fmt.Sprintf("cut at %d", at), whole[:at]
		if i%4 > 0 {
			data = bytes.Clone(whole)
			data[at] ^= byte(1 + r.IntN(255))
			what = fmt.Sprintf("byte %d changed from %#x to %#x", at, whole[at], data[at])
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		res := p.run("sync", "--from", file)
		if res.code == 0 && i%4 > 0 {
			for _, name := range names {
				if read(t, p.installed(name)) != read(t, sound.installed(name)) {
					t.Errorf("%s: %s is installed with other bytes", what, name)
				}
			}
			continue
		}
		if res.code != 7 {
			t.Errorf("%s: exit %d, want 7\n%s%s", what, res.code, res.stdout, res.stderr)
		}
		for _, name := range names {
			if _, err := os.Stat(p.installed(name)); err == nil {
				t.Errorf("%s: %s is installed", what, name)
			}
		}
	}
}

// TestCarryFigures measures copying beside `oras cp -r`, in one run.
func TestCarryFigures(t *testing.T) {
	a := startDistribution(t, "", access{})
	pub, _, _ := releases(t, a)
	p := newProject(t, fmt.Sprintf("registry = %q\n\n[plugins]\npostgres = \"*\"\nmysql = \"*\"\n", pub.namespace()))
	p.ok("lock")
	timed := func(what string, target *registry, f func()) {
		a.reset()
		if target != nil {
			target.reset()
		}
		begin := time.Now()
		f()
		took := time.Since(begin)
		text := fmt.Sprintf("%-40s %6.2f s, requests to the source %d", what, took.Seconds(), len(a.requests()))
		if target != nil {
			text += fmt.Sprintf(", to the target %d, %d bytes there", len(target.requests()), size(t, target.data))
		}
		t.Log(text)
	}
	oras, ours := startDebian(t, "", access{}), startDebian(t, "", access{})
	// mysql is in the tags layout: oras needs a copy for each tag.
	tags := []string{"postgres:" + newer, "mysql:" + newer}
	for _, platform := range platforms {
		tags = append(tags, "mysql:"+newer+"-"+strings.ReplaceAll(platform, "/", "-"))
	}
	cp := func() {
		for _, tag := range tags {
			pub.run(t.TempDir(), "cp", "-r", "--from-plain-http", "--to-plain-http", pub.namespace()+"/"+tag, oras.addr+"/schemahero/plugins/"+tag)
		}
	}
	timed("oras cp -r, five times", oras, cp)
	timed("mirror", ours, func() { p.ok("mirror", ours.addr) })
	timed("oras cp -r again", oras, cp)
	timed("mirror again", ours, func() { p.ok("mirror", ours.addr) })
	layout := filepath.Join(t.TempDir(), "layout")
	timed("oras cp -r to an image layout, five times", nil, func() {
		for _, tag := range tags {
			pub.run(t.TempDir(), "cp", "-r", "--from-plain-http", "--to-oci-layout", pub.namespace()+"/"+tag, layout+":"+strings.ReplaceAll(tag, ":", "-"))
		}
	})
	timed("bundle create", nil, func() { p.ok("bundle", "create", "drivers.tar") })
	t.Logf("the image layout has %d bytes, the bundle %d", size(t, layout), size(t, filepath.Join(p.dir, "drivers.tar")))
	timed("bundle verify", nil, func() { p.ok("bundle", "verify", "drivers.tar") })
}

// size adds up the files below a path.
func size(t *testing.T, path string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		n += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestExportDockerfile runs the script of the Dockerfile's first stage as an
// image build would, with the oras CLI, and the host loads what it makes.
func TestExportDockerfile(t *testing.T) {
	a := startDistribution(t, "", access{})
	pub, _, _ := releases(t, a)
	// oras takes localhost to speak plain HTTP.
	namespace := strings.Replace(pub.namespace(), "127.0.0.1", "localhost", 1)
	p := newProject(t, fmt.Sprintf("registry = %q\n\n[plugins]\npostgres = { version = \"*\", aliases = [\"cockroachdb\"] }\nmysql = \"*\"\n", namespace))
	p.ok("lock")
	text := p.ok("export", "dockerfile", "--image", "example/manager:1").stdout
	_, script, _ := strings.Cut(text, "<<'EOF'\n")
	script, rest, ok := strings.Cut(script, "\nEOF\n")
	if !ok || !strings.Contains(rest, "FROM example/manager:1\nCOPY --from=drivers /drivers/out/ /usr/local/lib/schemahero/plugins/\n") {
		t.Fatal(text)
	}
	dir := t.TempDir()
	env := environment(t.TempDir(), "TARGETPLATFORM="+runtime.GOOS+"/"+runtime.GOARCH)
	for i, v := range env {
		if path, ok := strings.CutPrefix(v, "PATH="); ok {
			env[i] = "PATH=" + filepath.Dir(pub.oras) + ":" + path
		}
	}
	if r := command(t, dir, env, script, "sh"); r.code != 0 {
		t.Fatalf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for file, name := range map[string]string{"postgres": "postgres", "cockroachdb": "postgres", "mysql": "mysql"} {
		same(t, filepath.Join(dir, "out", "schemahero-"+file), driver(t, name, newer, runtime.GOOS+"/"+runtime.GOARCH))
	}

	if r := command(t, t.TempDir(), append(env, "TARGETPLATFORM=plan9/386"), script, "sh"); r.code == 0 {
		t.Error("an image for a platform that the lock does not have is built")
	}
}

// TestOfflineMakesNoSocket looks at the system calls of what asks a registry when
// it is let: offline there is no socket of the internet, not even DNS's.
func TestOfflineMakesNoSocket(t *testing.T) {
	strace := debian(t, "strace", "strace")
	p := newProject(t, "registry = \"registry.invalid/x\"\n\n[plugins]\npostgres = \"*\"\n")
	sockets := func(args ...string) string {
		t.Helper()
		trace := filepath.Join(t.TempDir(), "trace")
		line := append([]string{"-f", "-q", "-e", "trace=socket,connect,sendto,sendmsg", "-o", trace, suite.plugin}, args...)
		r := command(t, p.dir, p.env, "", strace, line...)
		if r.code == 0 {
			t.Errorf("%s: exit 0, without a registry", strings.Join(args, " "))
		}
		var found []string
		for _, l := range strings.Split(read(t, trace), "\n") {
			if strings.Contains(l, "AF_INET") || strings.Contains(l, "nscd") || strings.Contains(l, "resolve") {
				found = append(found, l)
			}
		}
		return strings.Join(found, "\n")
	}
	if sockets("lock") == "" {
		t.Skip("strace sees no socket if there is one: it may not trace here")
	}
	for _, args := range [][]string{{"lock"}, {"sync"}, {"update"}, {"outdated"}, {"versions", "postgres"}, {"inspect", "registry.invalid/x/postgres:1.0.0"}, {"download", "mysql"}} {
		if found := sockets(append(args, "--offline")...); found != "" {
			t.Errorf("%s --offline: %s", args[0], found)
		}
	}
}
