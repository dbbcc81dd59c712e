package peers

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// TestCosign signs with the program and verifies with cosign, and the other way
// round in both of cosign's forms. cosign takes minutes to build, so this runs
// if it is on the PATH; testdata/trust holds what it wrote once.
func TestCosign(t *testing.T) {
	cosign, err := exec.LookPath("cosign")
	if err != nil {
		t.Skip("cosign is not on the PATH: go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3")
	}
	for name, start := range map[string]func(*testing.T, string, access) *registry{
		"docker-registry": startDebian,
		"distribution-v3": startDistribution,
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthor(t, start(t, "", access{}))
			a.env = append(a.env, "COSIGN_PASSWORD=peers")
			run := func(args ...string) {
				t.Helper()
				if r := command(t, a.dir, a.env, "", cosign, args...); r.code != 0 {
					t.Fatalf("cosign %s: exit %d\n%s", strings.Join(args, " "), r.code, r.stderr)
				}
			}
			run("generate-key-pair")
			a.push("postgres", newer, "--sign", "--key", "cosign.key")
			a.push("mysql", newer)
			a.push("sqlite", newer)
			at := func(driver string) string {
				var pushed struct {
					Spec struct{ Digest string }
				}
				out := a.ok("inspect", a.namespace()+"/"+driver+":"+newer, "-o", "json").stdout
				if err := json.Unmarshal([]byte(out), &pushed); err != nil {
					t.Fatal(err)
				}
				return a.namespace() + "/" + driver + "@" + pushed.Spec.Digest
			}
			run("verify", "--key", "cosign.pub", "--insecure-ignore-tlog", "--allow-http-registry", at("postgres"))
			for driver, bundle := range map[string]string{"mysql": "true", "sqlite": "false"} {
				run("sign", "--key", "cosign.key", "--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format="+bundle,
					"--yes", "--allow-http-registry", at(driver))
			}
			a.manifest("registry = \"" + a.namespace() + "\"\n[plugins]\nmysql = \"*\"\npostgres = \"*\"\nsqlite = \"*\"\n" +
				"[[trust]]\nscope = \"" + a.namespace() + "\"\nkeys = [\"cosign.pub\"]\n")
			a.ok("sync")
			if n := strings.Count(a.lock(), "signature = { key = "); n != 3 {
				t.Errorf("%d of 3 drivers are locked with who signed them:\n%s", n, a.lock())
			}
			a.ok("verify", "--remote")
		})
	}
}
