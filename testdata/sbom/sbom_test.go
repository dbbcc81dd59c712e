package sbom

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/export"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/sbom"
)

// schema compiles the schema that lies in cyclonedx-go's module.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range []string{"bom-1.6.schema.json", "spdx.schema.json", "jsf-0.82.schemax.json"} {
		data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "schema", name))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		url := "http://cyclonedx.org/schema/" + strings.Replace(name, "schemax", "schema", 1)
		if err := c.AddResource(url, doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// locks are the good ones that the lock's own tests use, and one with all there
// can be.
func locks(t *testing.T) map[string]*lockfile.Lock {
	t.Helper()
	hex := strings.Repeat("0123456789abcdef", 4)
	full := strings.ReplaceAll(`version = 1

[[plugin]]
name = "base"
version = "1.0.0+build.1"
aliases = ["cockroachdb"]
repository = "registry.internal:5000/db/schemahero-base"
tag = "1.0.0_build.1"
digest = "sha256:HEX"
requires = { other = "^2", schemahero = ">=0.24" }
signature = { issuer = "https://issuer.example", identity = "https://identity.example/x" }

[[plugin.platform]]
platform = "linux/amd64"
manifest = "sha256:HEX"
layer = "sha256:HEX"
size = 5
file = "schemahero-base-linux-amd64.tar.gz"
executable = "sha256:HEX"

[[plugin]]
name = "other"
version = "2.0.0"
repository = "docker.io/schemahero/plugin-other"

[[plugin.platform]]
platform = "linux/arm/v7"
tag = "2.0.0-linux-arm-v7"
manifest = "sha256:HEX"
layer = "sha256:HEX"
size = 5
file = "schemahero-other-linux-arm.tar.gz"

[[plugin]]
name = "vendored"
repository = "oci-layout:vendor/plugins/vendored"
tag = "nightly"
digest = "sha256:HEX"

[[plugin.platform]]
platform = "windows/amd64"
manifest = "sha256:HEX"
layer = "sha256:HEX"
size = 5
file = "schemahero-vendored-windows-amd64.tar.gz"
`, "HEX", hex)
	l, err := lockfile.Parse("full.lock", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*lockfile.Lock{"full": l, "empty": {}}
}

// modules are the same in each executable, as they mostly are.
func modules(lockfile.Platform) []sbom.Component {
	return []sbom.Component{{Type: "library", Name: "x", Version: "v1.0.0", PURL: "pkg:golang/x@v1.0.0"}, {Type: "library", Name: "y", PURL: "pkg:golang/y"}}
}

func TestCycloneDX(t *testing.T) {
	s := schema(t)
	for name, l := range locks(t) {
		text, err := export.CycloneDX(l, "shop", "1.2.3", modules)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		var bom cyclonedx.BOM
		if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(*bom.Components); n != len(l.Plugins) {
			t.Errorf("%s: %d components for %d drivers", name, n, len(l.Plugins))
		}
		refs := map[string]bool{}
		for _, m := range regexp.MustCompile(`"bom-ref": "([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			if refs[m[1]] {
				t.Errorf("%s: bom-ref %s is there twice", name, m[1])
			}
			refs[m[1]] = true
		}
		if again, err := export.CycloneDX(l, "shop", "1.2.3", modules); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s: one lock, two SBOMs: %v", name, err)
		}
	}
	// The schema does refuse something.
	bad, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "driver", "name": "x"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Validate(bad) == nil {
		t.Error("the schema takes anything")
	}
}
