package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/schemahero/kubectl-schemahero-plugin/"

// layers is the table of docs/architecture.md: for each package, the packages
// of ours that it may import. The groups of commands never import each other. A new package gets a row in
// both.
var layers = map[string][]string{
	"pkg/fault":    {},
	"pkg/system":   {},
	"pkg/diag":     {"pkg/fault", "pkg/system"},
	"pkg/disk":     {"pkg/fault", "pkg/system"},
	"pkg/parallel": {},
	"pkg/duration": {},
	"pkg/artifact": {"pkg/fault", "pkg/parallel"},
	"pkg/pubgrub":  {},
	"pkg/policy":   {"pkg/fault", "pkg/diag"},
	"pkg/probe":    {"pkg/fault", "pkg/disk"},
	"pkg/sbom":     {},

	"pkg/unpack":    {"pkg/fault", "pkg/artifact"},
	"pkg/pack":      {"pkg/fault", "pkg/artifact"},
	"pkg/manifest":  {"pkg/fault", "pkg/diag", "pkg/duration", "pkg/artifact", "pkg/policy"},
	"pkg/config":    {"pkg/fault", "pkg/diag", "pkg/artifact", "pkg/policy", "pkg/system"},
	"lockfile":      {"pkg/fault", "pkg/diag", "pkg/disk", "pkg/artifact"},
	"pkg/registry":  {"pkg/fault", "pkg/disk", "pkg/artifact", "pkg/system"},
	"pkg/kube":      {"pkg/fault", "pkg/diag", "pkg/parallel", "pkg/artifact"},
	"pkg/ocilayout": {"pkg/fault", "pkg/disk", "pkg/artifact", "pkg/system"},

	"pkg/resolve":  {"pkg/fault", "pkg/duration", "pkg/manifest", "lockfile", "pkg/pubgrub", "pkg/parallel", "pkg/artifact", "pkg/diag"},
	"pkg/install":  {"pkg/fault", "pkg/disk", "pkg/parallel", "lockfile", "pkg/artifact", "pkg/unpack", "pkg/probe", "pkg/system"},
	"pkg/trust":    {"pkg/fault", "pkg/diag", "pkg/disk", "pkg/registry", "pkg/artifact", "pkg/policy"},
	"pkg/publish":  {"pkg/fault", "pkg/diag", "pkg/disk", "pkg/parallel", "pkg/registry", "pkg/artifact", "pkg/pack", "pkg/unpack", "pkg/probe", "pkg/sbom", "pkg/system"},
	"pkg/image":    {"pkg/fault", "pkg/disk", "pkg/parallel", "lockfile", "pkg/registry", "pkg/artifact", "pkg/pack", "pkg/unpack"},
	"pkg/transfer": {"pkg/fault", "pkg/parallel", "lockfile", "pkg/registry", "pkg/ocilayout", "pkg/artifact"},
	"pkg/serve":    {"pkg/disk", "pkg/ocilayout", "pkg/artifact"},
	"pkg/export":   {"pkg/fault", "lockfile", "pkg/artifact", "pkg/sbom"},

	"pkg/project": {"pkg/fault", "pkg/diag", "pkg/disk", "pkg/parallel", "pkg/artifact", "pkg/policy", "pkg/config", "pkg/manifest", "lockfile", "pkg/registry", "pkg/resolve", "pkg/install", "pkg/unpack", "pkg/system"},

	"plugins":        {"pkg/fault", "pkg/artifact", "pkg/config", "pkg/manifest", "lockfile", "pkg/registry", "pkg/resolve", "pkg/install", "pkg/project", "pkg/ocilayout"},
	"plugins/signed": {"plugins", "pkg/project", "pkg/registry", "pkg/trust", "pkg/policy", "pkg/config", "lockfile"},

	"pkg/search": {"pkg/artifact", "pkg/manifest", "pkg/registry"},
	"pkg/link":   {"pkg/disk", "pkg/fault"},
	"pkg/doctor": {"lockfile", "pkg/artifact", "pkg/fault", "pkg/install", "pkg/manifest", "pkg/policy", "pkg/probe", "pkg/project", "pkg/registry", "plugins/signed"},

	"pkg/cli/ui":       {"lockfile", "pkg/artifact", "pkg/diag", "pkg/fault", "pkg/image", "pkg/install", "pkg/policy", "pkg/probe", "pkg/project", "pkg/registry", "pkg/resolve", "pkg/system"},
	"pkg/cli/hint":     {"lockfile", "pkg/artifact", "pkg/config", "pkg/diag", "pkg/disk", "pkg/duration", "pkg/export", "pkg/fault", "pkg/image", "pkg/install", "pkg/kube", "pkg/link", "pkg/manifest", "pkg/policy", "pkg/project", "pkg/publish", "pkg/registry", "pkg/resolve", "pkg/transfer", "pkg/trust", "pkg/unpack", "pkg/ocilayout", "pkg/system"},
	"pkg/cli/env":      {"lockfile", "pkg/artifact", "pkg/config", "pkg/disk", "pkg/doctor", "pkg/image", "pkg/install", "pkg/kube", "pkg/link", "pkg/manifest", "pkg/policy", "pkg/probe", "pkg/project", "pkg/registry", "pkg/transfer", "pkg/trust", "pkg/unpack", "plugins/signed", "pkg/cli/hint", "pkg/cli/ui", "pkg/ocilayout", "pkg/system"},
	"pkg/cli/complete": {"lockfile", "pkg/artifact", "pkg/manifest", "pkg/project", "pkg/cli/env", "pkg/cli/ui"},

	"pkg/cli/project": {"lockfile", "pkg/artifact", "pkg/install", "pkg/kube", "pkg/manifest", "pkg/project", "pkg/resolve", "pkg/cli/complete", "pkg/cli/env", "pkg/cli/hint", "pkg/cli/ui"},
	"pkg/cli/machine": {"pkg/artifact", "pkg/doctor", "pkg/duration", "pkg/install", "pkg/project", "pkg/cli/complete", "pkg/cli/env", "pkg/cli/hint", "pkg/cli/ui", "pkg/system"},
	"pkg/cli/sources": {"pkg/artifact", "pkg/doctor", "pkg/image", "pkg/manifest", "pkg/policy", "pkg/project", "pkg/registry", "pkg/search", "pkg/trust", "pkg/cli/complete", "pkg/cli/env", "pkg/cli/hint", "pkg/cli/ui"},
	"pkg/cli/author":  {"pkg/artifact", "pkg/manifest", "pkg/pack", "pkg/publish", "pkg/registry", "pkg/trust", "pkg/cli/complete", "pkg/cli/env", "pkg/cli/hint", "pkg/cli/ui"},
	"pkg/cli/carry":   {"lockfile", "pkg/artifact", "pkg/config", "pkg/diag", "pkg/disk", "pkg/export", "pkg/install", "pkg/manifest", "pkg/parallel", "pkg/project", "pkg/registry", "pkg/probe", "pkg/sbom", "pkg/serve", "pkg/transfer", "plugins/signed", "pkg/cli/complete", "pkg/cli/env", "pkg/cli/hint", "pkg/cli/ui", "pkg/ocilayout"},
	"pkg/cli/cluster": {"lockfile", "pkg/artifact", "pkg/image", "pkg/kube", "pkg/project", "pkg/registry", "pkg/transfer", "pkg/cli/complete", "pkg/cli/env", "pkg/cli/hint", "pkg/cli/ui"},
	"pkg/cli/shell":   {"pkg/link", "pkg/cli/complete", "pkg/cli/env", "pkg/cli/hint", "pkg/cli/ui", "pkg/system"},

	"pkg/cli": {"pkg/artifact", "pkg/config", "pkg/diag", "pkg/fault", "pkg/kube", "pkg/registry", "pkg/cli/author", "pkg/cli/carry", "pkg/cli/cluster", "pkg/cli/complete", "pkg/cli/env", "pkg/cli/hint", "pkg/cli/machine", "pkg/cli/project", "pkg/cli/shell", "pkg/cli/sources", "pkg/cli/ui"},

	"cmd/kubectl-schemahero-plugin": {"pkg/artifact", "pkg/cli"},

	testOnly: {},
}

// testOnly is the package that only tests import: no row names it.
const testOnly = "pkg/registry/registrytest"

// only names, for modules and packages of others, who may import them.
var only = []struct {
	prefix   string
	packages []string
}{
	{"k8s.io/client-go", []string{"pkg/kube", "pkg/cli/ui"}},
	{"github.com/sigstore/", []string{"pkg/trust"}},
	{"oras.land/oras-go/v2/registry", []string{"pkg/registry"}},
}

// stable packages are API that others build on: this is all they depend on
// besides the standard library.
var (
	stable     = []string{"lockfile", "pkg/artifact"}
	stableDeps = []string{
		"github.com/pelletier/go-toml/v2",
		"github.com/pelletier/go-toml/v2/unstable",
		"github.com/Masterminds/semver/v3",
		"github.com/opencontainers/go-digest",
		"github.com/opencontainers/image-spec/specs-go",
		"github.com/opencontainers/image-spec/specs-go/v1",
	}
)

// pkg is what `go list` says of one package of ours, for one system.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Deps       []string

	TestImports  []string
	XTestImports []string
}

func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// linked returns what p imports into a program, and tests what only tests have
// of it.
func (p pkg) linked() []string {
	if p.name() == testOnly {
		return nil
	}
	return p.Imports
}

func (p pkg) tests() []string {
	if p.name() == testOnly {
		return p.Imports
	}
	return slices.Concat(p.TestImports, p.XTestImports)
}

// row is the package whose row holds for p: what lies in a package's internal
// folder is a part of it.
func (p pkg) row() string { return row(p.name()) }

func row(name string) string {
	owner, _, _ := strings.Cut(name, "/internal/")
	return owner
}

// list gives every package of the module as goos sees it.
func list(t *testing.T, goos string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports,Deps,TestImports,XTestImports", module+"...")
	cmd.Env = append(os.Environ(), "GOOS="+goos)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var packages []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			packages = append(packages, p)
		}
	}
	if len(packages) == 0 {
		t.Fatal("go list: found no package")
	}
	return packages
}

func TestWalls(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows"} {
		for _, p := range list(t, goos) {
			allowed, known := layers[p.row()]
			if !known {
				t.Errorf("%s: has no row in the table", p.name())
				continue
			}
			for _, path := range p.Imports {
				checkImport(t, p.row(), allowed, path)
			}
		}
	}
}

// checkImport holds one import of the package with the row name against its
// row and the walls.
func checkImport(t *testing.T, name string, allowed []string, path string) {
	t.Helper()
	if ours, ok := strings.CutPrefix(path, module); ok {
		if row(ours) != name && !slices.Contains(allowed, ours) {
			t.Errorf("%s: imports %s, which its row does not name", name, ours)
		}
		return
	}
	for _, wall := range only {
		if strings.HasPrefix(path, wall.prefix) && !slices.Contains(wall.packages, name) {
			t.Errorf("%s: imports %s, which only %s may", name, path, strings.Join(wall.packages, ", "))
		}
	}
	standard := !strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
	if slices.Contains(stable, name) && !standard && !slices.Contains(stableDeps, path) {
		t.Errorf("%s: imports %s, and is stable API", name, path)
	}
}

// A program that embeds plugins to fetch a driver links no Kubernetes client,
// no signing and no publishing, by any way round.
func TestEmbeddingStaysSmall(t *testing.T) {
	for _, p := range list(t, "linux") {
		if p.name() != "plugins" {
			continue
		}
		for _, dep := range p.Deps {
			for _, heavy := range []string{
				"k8s.io/", "sigs.k8s.io/", "github.com/sigstore/", "github.com/spf13/cobra",
				module + "pkg/kube", module + "pkg/trust", module + "pkg/publish", module + "pkg/image", module + "pkg/transfer",
			} {
				if strings.HasPrefix(dep, heavy) {
					t.Errorf("plugins: links %s", dep)
				}
			}
		}
	}
}

// The table that people read has the rows of the one above.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	packages := list(t, "linux")
	root := strings.TrimSuffix(packages[0].Dir, filepath.FromSlash(packages[0].name()))
	text, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if !bytes.Contains(text, []byte("`"+p.row()+"`")) {
			t.Errorf("docs/architecture.md: does not name `%s`", p.row())
		}
	}
}

// maxLines is what a file may have before it is two files.
const maxLines = 500

func TestFilesStayShort(t *testing.T) {
	for _, p := range list(t, "linux") {
		for _, name := range p.GoFiles {
			data, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(data, []byte("\n")); n > maxLines {
				t.Errorf("%s/%s: %d lines, at most %d", p.name(), name, n, maxLines)
			}
		}
	}
}

// outside names what a library leaves to its caller: where output goes, when
// the program ends, and what the environment says.
var outside = map[string][]string{
	"fmt": {"Print", "Printf", "Println"},
	"log": {"Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln", "Default"},
	"os": {
		"Exit", "Stdin", "Stdout", "Stderr",
		"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "UserHomeDir", "UserCacheDir", "UserConfigDir",
	},
}

// changes names what pkg/disk alone does: Windows refuses it while a scanner has the
// file open, and it has to be tried again.
var changes = []string{"Rename", "Remove", "RemoveAll"}

func TestLibrariesLeaveTheProgramAlone(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows"} {
		for _, p := range list(t, goos) {
			if strings.HasPrefix(p.name(), "cmd/") {
				continue
			}
			for _, name := range p.GoFiles {
				checkLibraryFile(t, p, name)
			}
		}
	}
}

func checkLibraryFile(t *testing.T, p pkg, name string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
			if f.Name.Name == "init" {
				t.Errorf("%s: has an init function", files.Position(f.Pos()))
			}
			// For programs that embed the library and want its defaults.
			if p.name() == "plugins" && f.Name.Name == "DefaultOptions" {
				continue
			}
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				x, ok := s.X.(*ast.Ident)
				if ok && slices.Contains(outside[x.Name], s.Sel.Name) {
					t.Errorf("%s: uses %s.%s", files.Position(s.Pos()), x.Name, s.Sel.Name)
				}
				if ok && x.Name == "os" && p.name() != "pkg/disk" && slices.Contains(changes, s.Sel.Name) {
					t.Errorf("%s: uses os.%s, which is pkg/disk's", files.Position(s.Pos()), s.Sel.Name)
				}
			}
			return true
		})
	}
}
