package sbom

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/sbom"
)

// What is said to be in an executable satisfies the schema and CycloneDX's own
// library, and is what govulncheck and the Go command find in it: in the test's own,
// and in one without its symbols, as drivers are built.
func TestExecutable(t *testing.T) {
	s := schema(t)
	stripped := filepath.Join(t.TempDir(), "program")
	run(t, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", stripped, "golang.org/x/vuln/cmd/govulncheck")
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{own, stripped} {
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := sbom.OfExecutable(sbom.Component{Type: "application", Name: "schemahero-a", Version: "0.1.0"}, info).Encode()
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
		var bom cyclonedx.BOM
		if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, c := range *bom.Components {
			told = append(told, strings.TrimSpace(c.Name+" "+strings.TrimPrefix(c.Version, "v")))
		}
		if found := scanned(t, stripped, file); !slices.Equal(told, found) {
			t.Errorf("told %q, govulncheck finds %q", told, found)
		}
	}
}

// scanned is what govulncheck -mode=binary takes the modules of an executable to be.
// It extracts them without its database, which is on the network.
func scanned(t *testing.T, govulncheck, file string) []string {
	t.Helper()
	type module struct {
		Path, Version string
		Replace       *module
	}
	var found []string
	for dec := json.NewDecoder(bytes.NewReader(run(t, govulncheck, "-mode=extract", file))); dec.More(); {
		var part struct {
			Main      *module
			Modules   []*module
			GoVersion string
		}
		if err := dec.Decode(&part); err != nil {
			t.Fatal(err)
		}
		for _, m := range append(part.Modules, part.Main) {
			if m == nil || m.Path == "" || m.Path == "stdlib" {
				continue
			}
			if m.Replace != nil && !strings.HasPrefix(m.Replace.Path, ".") {
				m = m.Replace
			}
			found = append(found, strings.TrimSpace(m.Path+" "+strings.TrimPrefix(strings.ReplaceAll(m.Version, "(devel)", ""), "v")))
		}
		if part.GoVersion != "" {
			found = append(found, "stdlib "+strings.TrimPrefix(part.GoVersion, "go"))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out
}
