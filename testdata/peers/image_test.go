package peers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pushed is what image push prints.
type pushed struct {
	Spec struct {
		Digest, Reference                                string
		BytesSent, BlobsSent, BlobsMounted, BlobsSkipped int
		Platforms                                        []struct {
			Platform string
			Layers   []struct{ Name, Digest, Locked string }
		}
	}
}

// imagePush pushes the image of a project's lock.
func (p *project) imagePush(args ...string) (out pushed) {
	p.t.Helper()
	r := p.ok(append([]string{"image", "push", "--stats", "-o", "json"}, args...)...)
	p.t.Logf("image push %s:\n%s", strings.Join(args, " "), r.stderr)
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// TestImagePush pushes the image of drivers in every layout and reads it with what
// reads images: skopeo and oras, and as a node unpacks it.
func TestImagePush(t *testing.T) {
	for registryName, start := range map[string]func(*testing.T, string, access) *registry{
		"docker-registry": startDebian,
		"distribution-v3": startDistribution,
	} {
		t.Run(registryName, func(t *testing.T) {
			reg := start(t, "", access{})
			author := newPublisher(t, reg)
			author.publish("index", "postgres", older)
			author.publish("files", "mysql", older)
			author.publish("tags", "cassandra", older)
			p := newProject(t, `registry = "`+author.namespace()+`"
platforms = ["linux/amd64", "linux/arm64"]

[plugins]
postgres = { version = "`+older+`", aliases = ["cockroachdb"] }
mysql = "`+older+`"
cassandra = "`+older+`"
`)
			p.ok("lock")
			first := p.imagePush(reg.addr + "/apps/drivers:prod")
			if s := first.Spec; s.BlobsMounted != 6 || s.BlobsSent != 4 || s.BlobsSkipped != 0 {
				t.Errorf("mounted %d, sent %d, skipped %d: want the layers mounted, links and configs sent", s.BlobsMounted, s.BlobsSent, s.BlobsSkipped)
			}
			if again := p.imagePush(reg.addr + "/apps/drivers:prod"); again.Spec.BytesSent != 0 || again.Spec.Digest != first.Spec.Digest {
				t.Errorf("the second push sent %d bytes", again.Spec.BytesSent)
			}
			other := start(t, "", access{})
			elsewhere := p.imagePush(other.addr + "/team/image")
			if s := elsewhere.Spec; s.Digest != first.Spec.Digest || s.BlobsMounted != 0 || s.BlobsSent != 10 {
				t.Errorf("another registry: %+v, want digest %s", s, first.Spec.Digest)
			}
			testImageTools(t, first, reg, other, author)

			// As a node unpacks it.
			root := rootfs(t, first.Spec.Reference)
			for name, of := range map[string]string{"postgres": "postgres", "cockroachdb": "postgres", "mysql": "mysql", "cassandra": "cassandra"} {
				found, err := filepath.EvalSymlinks(filepath.Join(root, "schemahero-"+name))
				if err != nil {
					t.Fatal(err)
				}
				same(t, found, driver(t, of, older, hostPlatform()))
			}
			testImageBase(t, p, reg)
		})
	}
}

// testImageTools reads the image with skopeo and oras.
func testImageTools(t *testing.T, image pushed, reg, other *registry, author *publisher) {
	t.Helper()
	dir := t.TempDir()
	skopeo := func(args ...string) string {
		t.Helper()
		r := command(t, dir, environment(dir), "", debian(t, "skopeo", "skopeo"), append([]string{"--insecure-policy"}, args...)...)
		if r.code != 0 {
			t.Fatalf("skopeo %s: %s%s", strings.Join(args, " "), r.stdout, r.stderr)
		}
		return r.stdout
	}
	var told struct {
		Created *string
		Layers  []string
	}
	if err := json.Unmarshal([]byte(skopeo("inspect", "--tls-verify=false", "docker://"+reg.addr+"/apps/drivers:prod")), &told); err != nil {
		t.Fatal(err)
	}
	if told.Created != nil || len(told.Layers) != 4 {
		t.Errorf("skopeo inspect: %+v", told)
	}
	// Copies of all platforms keep the digest, on a disk and in a registry.
	skopeo("copy", "-q", "--all", "--src-tls-verify=false", "docker://"+reg.addr+"/apps/drivers:prod", "oci:copied:prod")
	if !strings.Contains(read(t, dir, "copied", "index.json"), image.Spec.Digest) {
		t.Errorf("skopeo's copy is not %s: %s", image.Spec.Digest, read(t, dir, "copied", "index.json"))
	}
	skopeo("copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", "docker://"+image.Spec.Reference, "docker://"+other.addr+"/copied/again:1")
	if got := author.run(dir, "resolve", "--plain-http", other.addr+"/copied/again:1"); strings.TrimSpace(got) != image.Spec.Digest {
		t.Errorf("skopeo's copy is %s", got)
	}
	// A layer of the image is the archive of the release.
	for _, l := range image.Spec.Platforms[0].Layers {
		if l.Digest != l.Locked {
			t.Errorf("%s: the layer is %s, locked is %s", l.Name, l.Digest, l.Locked)
		}
		file := "schemahero-" + l.Name + "-linux-amd64"
		author.run(dir, "blob", "fetch", "--plain-http", "--output", file+".tar.gz", reg.addr+"/apps/drivers@"+l.Digest)
		if r := command(t, dir, environment(dir), "", "tar", "-xzf", file+".tar.gz"); r.code != 0 {
			t.Fatalf("tar: %s", r.stderr)
		}
		same(t, filepath.Join(dir, file), driver(t, l.Name, older, "linux/amd64"))
	}
}

// testImageBase puts the drivers on this program's own image, which `make image`
// makes, as it is and as skopeo converts it to Docker's types.
func testImageBase(t *testing.T, p *project, reg *registry) {
	t.Helper()
	dir := t.TempDir()
	env := append(os.Environ(), "GOFLAGS=-buildvcs=false")
	r := command(t, filepath.Join("..", "..", "hack"), env, "", "go", "run", "./release", "-image", "-version", "v1.2.3", "-program", suite.plugin, "-out", dir)
	if r.code != 0 {
		t.Fatalf("make image: %s%s", r.stdout, r.stderr)
	}
	for name, convert := range map[string][]string{"oci": nil, "docker": {"--format", "v2s2"}} {
		base := reg.addr + "/tools/" + name + ":1"
		args := append([]string{"--insecure-policy", "copy", "-q", "--all", "--dest-tls-verify=false"}, convert...)
		r := command(t, dir, environment(dir), "", debian(t, "skopeo", "skopeo"), append(args, "oci-archive:kubectl-schemahero-plugin_image.tar", "docker://"+base)...)
		if r.code != 0 {
			t.Fatalf("skopeo copy: %s%s", r.stdout, r.stderr)
		}
		image := p.imagePush(reg.addr+"/apps/"+name+":1", "--base", base)
		root := rootfs(t, image.Spec.Reference)
		same(t, filepath.Join(root, "usr", "local", "bin", "kubectl-schemahero-plugin"), suite.plugin)
		link := filepath.Join(root, "usr", "local", "lib", "schemahero", "plugins", "schemahero-cockroachdb")
		found, err := filepath.EvalSymlinks(link)
		if err != nil {
			t.Fatal(err)
		}
		same(t, found, driver(t, "postgres", older, hostPlatform()))
	}
}
