package peers

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// What push attaches is found by the oras CLI, and names the modules that the Go
// command finds in the driver; the lock's own SBOM nests them.
func TestSBOM(t *testing.T) {
	for name, start := range map[string]func(*testing.T, string, access) *registry{
		"docker-registry": startDebian,
		"distribution-v3": startDistribution,
	} {
		t.Run(name, func(t *testing.T) {
			reg := start(t, "", access{})
			a := newAuthor(t, reg)
			a.push("postgres", older)
			a.push("postgres", older) // nothing new
			o := newPublisher(t, reg)
			ref := a.namespace() + "/postgres:" + older + "-" + strings.ReplaceAll(hostPlatform(), "/", "-")
			tree := o.run(".", "discover", "--plain-http", "--format", "tree", "--artifact-type", "application/vnd.cyclonedx+json", ref)
			if strings.Count(tree, "sha256:") != 2 { // the manifest, and one that refers to it
				t.Errorf("oras discover:\n%s", tree)
			}
			p := newProject(t, fmt.Sprintf("registry = %q\nplatforms = [%q]\n[plugins]\npostgres = \"*\"\n", a.namespace(), hostPlatform()))
			p.ok("lock")
			text := p.ok("export", "cyclonedx", "--name", "shop").stdout
			told, err := exec.Command("go", "version", "-m", driver(t, "postgres", older, hostPlatform())).Output()
			if err != nil {
				t.Fatal(err)
			}
			modules := 0
			for line := range strings.Lines(string(told)) {
				f := strings.Fields(line)
				if len(f) < 3 || f[0] != "dep" && f[0] != "=>" {
					continue
				}
				if modules++; !strings.Contains(text, `"pkg:golang/`+f[1]+"@"+strings.ReplaceAll(f[2], "+", "%2B")+`"`) {
					t.Errorf("%s %s is not told", f[1], f[2])
				}
			}
			if modules == 0 {
				t.Error("the driver has no modules to be told")
			}
			p.ok("sync")
			if again := p.ok("export", "cyclonedx", "--name", "shop", "--offline").stdout; again != text {
				t.Errorf("the store says otherwise than the SBOM:\n%s\n%s", text, again)
			}
		})
	}
}
