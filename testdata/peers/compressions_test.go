package peers

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestBothCompressions reads a release that has gzip and zstd with what knows no
// zstd, and copies it with what looks for it. TestHostTags has the host read one.
func TestBothCompressions(t *testing.T) {
	reg := startDebian(t, "", access{})
	a, p := newAuthor(t, reg), newPublisher(t, reg)
	a.push("postgres", older, "--compression", "gzip,zstd")
	ref := p.namespace() + "/postgres:" + older
	executable := driver(t, "postgres", older, "linux/amd64")

	// oras takes gzip out of the index, and by the platform's tag.
	for _, args := range [][]string{{ref, "--platform", "linux/amd64"}, {ref + "-linux-amd64"}} {
		dir := t.TempDir()
		p.run(dir, append([]string{"pull", "--plain-http"}, args...)...)
		unpackLikeUsers(t, dir, "schemahero-postgres-linux-amd64", executable)
		if zstd, _ := filepath.Glob(filepath.Join(dir, "*.zst*")); len(zstd) > 0 {
			t.Errorf("oras pull %s took %v too", strings.Join(args, " "), zstd)
		}
	}
	// The host copies the whole graph of tag 0 into one folder.
	dir := t.TempDir()
	p.run(dir, "pull", "--plain-http", p.namespace()+"/postgres:0")
	unpackLikeUsers(t, dir, "schemahero-postgres-linux-amd64", executable)

	t.Run("earlier", func(t *testing.T) { testEarlier(t, a) })

	// skopeo, which leaves an index's artifact type out, copies both as they are.
	r := command(t, dir, environment(dir), "", debian(t, "skopeo", "skopeo"), "--insecure-policy", "copy", "--all", "--src-tls-verify=false", "docker://"+ref, "oci:layout:x")
	if r.code != 0 {
		t.Fatalf("skopeo copy --all: exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	type index struct {
		Manifests []struct {
			Digest      string
			Annotations map[string]string
		}
	}
	parse := func(text string) (i index) {
		if err := json.Unmarshal([]byte(text), &i); err != nil {
			t.Fatal(err)
		}
		return i
	}
	root := parse(read(t, dir, "layout", "index.json")).Manifests[0].Digest
	copied := parse(read(t, dir, "layout", "blobs", "sha256", strings.TrimPrefix(root, "sha256:")))
	published := parse(p.run(".", "manifest", "fetch", "--plain-http", ref))
	if len(published.Manifests) != 2*len(platforms) || !reflect.DeepEqual(copied, published) {
		t.Errorf("skopeo copied %+v, published is %+v", copied, published)
	}
}

// testEarlier locks the release with this program as it was before a release could
// have both: it takes gzip. A team may have programs of different age: either
// installs from the other's lock.
func testEarlier(t *testing.T, a *author) {
	program := earlier(t)
	old := newProject(t, fmt.Sprintf("registry = %q\n[plugins]\npostgres = %q\n", a.namespace(), older))
	executable := driver(t, "postgres", older, hostPlatform())
	run := func(program string, args ...string) {
		t.Helper()
		if r := command(t, old.dir, old.env, "", program, args...); r.code != 0 {
			t.Fatalf("%s %s: exit %d: %s%s", program, strings.Join(args, " "), r.code, r.stdout, r.stderr)
		}
	}
	locked := func(suffix string) {
		t.Helper()
		if n := strings.Count(old.lock(), suffix+`"`); n != len(platforms) {
			t.Errorf("the lock has %d files %s, want %d:\n%s", n, suffix, len(platforms), old.lock())
		}
	}
	for _, writer := range []struct{ program, other, suffix string }{
		{program, suite.plugin, ".tar.gz"}, {suite.plugin, program, ".tar.zst"},
	} {
		if err := os.RemoveAll(filepath.Join(old.dir, "schemahero-plugins.lock")); err != nil {
			t.Fatal(err)
		}
		run(writer.program, "lock")
		locked(writer.suffix)
		for _, program := range []string{writer.program, writer.other} {
			if err := os.RemoveAll(filepath.Join(old.home, ".schemahero")); err != nil {
				t.Fatal(err)
			}
			run(program, "sync", "--locked")
			same(t, old.installed("postgres"), executable)
		}
	}
}
