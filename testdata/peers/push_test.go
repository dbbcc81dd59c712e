package peers

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// author publishes with the program under test.
type author struct {
	*project
	reg *registry
}

func newAuthor(t *testing.T, reg *registry) *author {
	t.Helper()
	return &author{newProject(t, "", goEnvironment(t)...), reg}
}

// namespace is what push, and a manifest, give as their registry.
func (a *author) namespace() string { return a.reg.addr + "/schemahero/plugins" }

// push publishes the test driver for all platforms.
func (a *author) push(name, version string, more ...string) result {
	a.t.Helper()
	args := append([]string{"push", name, version, "--registry", a.namespace()}, more...)
	for _, p := range platforms {
		args = append(args, "--platform", p+"="+driver(a.t, name, version, p))
	}
	return a.ok(args...)
}

// TestPush takes what push wrote with everything that reads releases: this
// program's lock and sync, the host, the oras CLI with sha256sum and tar.
func TestPush(t *testing.T) {
	for registryName, start := range map[string]func(*testing.T, string, access) *registry{
		"docker-registry": startDebian,
		"distribution-v3": startDistribution,
	} {
		t.Run(registryName, func(t *testing.T) {
			reg := start(t, "", access{})
			a := newAuthor(t, reg)
			for _, version := range []string{newer, older} { // the older one later: nothing moves down
				a.push("postgres", version)
				a.push("mysql", version)
			}
			testLayout(t, reg, a.namespace())
			testOras(t, newPublisher(t, reg))
			testAgain(t, a)
		})
	}
}

// testOras reads the release with the oras CLI alone.
func testOras(t *testing.T, p *publisher) {
	repo := p.namespace() + "/postgres"
	var want []string
	for _, v := range []string{older, newer} {
		want = append(want, v)
		for _, platform := range platforms {
			want = append(want, v+"-"+strings.ReplaceAll(platform, "/", "-"))
		}
	}
	want = append(want, "0", "0.1", "0.2", "latest")
	tags := strings.Fields(p.run(".", "repo", "tags", "--plain-http", repo))
	// Neither registry has the referrers API, so that SBOMs are listed by tags.
	tags = slices.DeleteFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, "sha256-") })
	slices.Sort(want)
	slices.Sort(tags)
	if !slices.Equal(tags, want) {
		t.Errorf("tags %v, want %v", tags, want)
	}
	resolve := func(tag string) string { return p.run(".", "resolve", "--plain-http", repo+":"+tag) }
	for tag, of := range map[string]string{"0": newer, "latest": newer, "0.1": older, "0.2": newer} {
		if resolve(tag) != resolve(of) {
			t.Errorf("tag %s is not %s", tag, of)
		}
	}

	var index struct {
		MediaType    string
		ArtifactType string
		Manifests    []struct {
			Platform struct{ OS, Architecture string }
		}
	}
	if err := json.Unmarshal([]byte(p.run(".", "manifest", "fetch", "--plain-http", repo+":"+newer)), &index); err != nil {
		t.Fatal(err)
	}
	var serves []string
	for _, m := range index.Manifests {
		serves = append(serves, m.Platform.OS+"/"+m.Platform.Architecture)
	}
	wanted := slices.Sorted(slices.Values(platforms))
	if index.MediaType != "application/vnd.oci.image.index.v1+json" || index.ArtifactType != "application/vnd.schemahero.plugin.v1+tar" || !slices.Equal(serves, wanted) {
		t.Errorf("the index is %+v, want one for %v", index, wanted)
	}

	// One platform, by its tag and out of the index.
	for _, args := range [][]string{{repo + ":" + older + "-linux-amd64"}, {repo + ":" + older, "--platform", "linux/amd64"}} {
		dir := t.TempDir()
		p.run(dir, append([]string{"pull", "--plain-http"}, args...)...)
		unpackLikeUsers(t, dir, "schemahero-postgres-linux-amd64", driver(t, "postgres", older, "linux/amd64"))
	}

	// The host copies the whole graph of tag 0 into one folder.
	dir := t.TempDir()
	p.run(dir, "pull", "--plain-http", repo+":0")
	for _, platform := range platforms {
		unpackLikeUsers(t, dir, "schemahero-postgres-"+strings.ReplaceAll(platform, "/", "-"), driver(t, "postgres", newer, platform))
	}
	p.run(dir, "copy", "--from-plain-http", "--to-oci-layout", repo+":0", filepath.Join(dir, "layout")+":0")
	blobs, err := os.ReadDir(filepath.Join(dir, "layout", "blobs", "sha256"))
	if n := 1 + 1 + 3*len(platforms); err != nil || len(blobs) != n { // index, config; manifest, archive and checksum of each
		t.Errorf("the graph of tag 0 has %d blobs, %v, want %d", len(blobs), err, n)
	}
}

// unpackLikeUsers does what the documentation of the drivers tells users to.
func unpackLikeUsers(t *testing.T, dir, base, executable string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `sha256sum -c "$1.tar.gz.sha256" && tar -xzf "$1.tar.gz"`, "sh", base)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", base, err, out)
		return
	}
	same(t, filepath.Join(dir, base), executable)
}

// testAgain pushes once more what is there, and something else.
func testAgain(t *testing.T, a *author) {
	a.reg.reset()
	began := time.Now()
	r := a.push("postgres", newer, "-o", "json", "--stats")
	took := time.Since(began).Round(time.Millisecond)
	var out struct {
		Spec struct {
			Kept      bool
			BytesSent int
			Tags      []string
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		t.Fatal(err)
	}
	if !out.Spec.Kept || out.Spec.BytesSent != 0 || len(out.Spec.Tags) != 0 {
		t.Errorf("a second push: %+v", out.Spec)
	}
	count := map[string]int{}
	for _, asked := range a.reg.requests() {
		count[asked.method]++
	}
	if len(count) != 2 || count["GET"] > 2 { // tags, and the index if the time differs
		t.Errorf("a second push asked %v, want HEAD and 2 GET", count)
	}
	t.Logf("second push of three platforms: %s, %v, %s", took, count, strings.TrimSpace(r.stderr))

	other := driver(t, "mysql", older, "linux/amd64")
	r = a.exit(1, "push", "postgres", newer, "--registry", a.namespace(), "--platform", "linux/amd64="+other)
	if !strings.Contains(r.stderr, "is published already") {
		t.Errorf("other content: %s", r.stderr)
	}
}

// TestRepublish publishes releases of the other layouts as an index, with the
// same layers.
func TestRepublish(t *testing.T) {
	reg := startDebian(t, "", access{})
	p, a := newPublisher(t, reg), newAuthor(t, reg)
	layers := func(ref, layout string) string {
		t.Helper()
		var out struct {
			Spec struct {
				Layout    string
				Platforms []struct{ Platform, Layer, File string }
			}
		}
		if err := json.Unmarshal([]byte(a.ok("inspect", ref, "-o", "json").stdout), &out); err != nil {
			t.Fatal(err)
		}
		if out.Spec.Layout != layout || len(out.Spec.Platforms) != len(platforms) {
			t.Errorf("%s: %+v, want layout %s", ref, out.Spec, layout)
		}
		text, err := json.Marshal(out.Spec.Platforms)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for layout, name := range map[string]string{"files": "postgres", "tags": "mysql"} {
		p.publish(layout, name, older)
		from := p.namespace() + "/" + name + ":" + older
		reg.reset()
		a.ok("push", name, "--from", from, "--layout", "index", "--registry", reg.addr+"/index")
		for _, asked := range reg.requests() {
			if asked.method == "PATCH" && strings.Contains(asked.path, "/blobs/") {
				t.Errorf("%s: a blob was sent that the registry has: %s", layout, asked.path)
			}
		}
		if got, want := layers(reg.addr+"/index/"+name+":"+older, "index"), layers(from, layout); got != want {
			t.Errorf("%s: the layers are\n%s\nwant\n%s", layout, got, want)
		}
	}
}
