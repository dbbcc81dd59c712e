package hint

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/troubleshooting.md again")

// TestDocs compares docs/troubleshooting.md with the table. `make docs` writes it.
func TestDocs(t *testing.T) {
	file := filepath.Join("..", "..", "..", "docs", "troubleshooting.md")
	if *update {
		if err := os.WriteFile(file, []byte(Document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != Document() {
		t.Errorf("docs/troubleshooting.md is not current (%v); run `make docs`", err)
	}
}

// without are the error types that need no row, each with the reason.
func without() map[string][]string {
	return map[string][]string{
		"the row for whatever is of kind fault.Integrity has it": {
			"pkg/artifact.FormatError", "pkg/install.IntegrityError", "pkg/unpack.Error",
		},
		"a row knows the error in it": {
			"pkg/install.MarkError", "pkg/project.RefusedError",
			"pkg/publish.BuildError", "pkg/registry.LackedError", "pkg/registry/internal/wire.ContentError",
			"pkg/registry/internal/wire.TokenError", "pkg/transfer.SparseError",
		},
		"it is a problem in a *diag.Error, which has a row": {
			"pkg/manifest.ConstraintError", "pkg/manifest.LinkError", "pkg/manifest.RequiredVersionError",
		},
		"it is a problem in an *install.ProbeError or a *publish.LintError, which have rows": {
			"pkg/probe.HandshakeError", "pkg/probe.LoaderError", "pkg/probe.PlatformError", "pkg/probe.ProtocolError", "pkg/probe.TimeoutError",
		},
		"it comes in a *UsageError, which has a row": {
			"pkg/artifact.NameError", "pkg/artifact.PlatformError",
		},
		"pkg/resolve makes a *ConflictError of it":                        {"pkg/pubgrub.Failure"},
		"the words of the compiler, or of git, follow and say what to do": {"pkg/publish.CommandError"},
		"only a program that embeds this one can lack a verifier":         {"pkg/project.NoVerifierError"},
		"the program that `run` started has told what there was to tell":  {"pkg/cli/hint.ExitError"},
	}
}

// TestEveryErrorHasARow: after an error comes what to do about it.
func TestEveryErrorHasARow(t *testing.T) {
	const module = "github.com/schemahero/kubectl-schemahero-plugin/"
	var rows []string
	for _, s := range table() {
		for _, r := range s.rows {
			for _, e := range r.of {
				rows = append(rows, strings.TrimPrefix(e.Elem().PkgPath(), module)+"."+e.Elem().Name())
			}
		}
	}
	types := exportedErrors(t, filepath.Join("..", "..", ".."))
	for reason, names := range without() {
		for _, name := range names {
			if !slices.Contains(types, name) {
				t.Errorf("%s: is not an error type", name)
			}
			if slices.Contains(rows, name) {
				t.Errorf("%s: has a row, although %s", name, reason)
			}
			rows = append(rows, name)
		}
	}
	for _, name := range types {
		if !slices.Contains(rows, name) {
			t.Errorf("%s: has no row in the table of hints, nor a reason in this test", name)
		}
	}
}

// exportedErrors returns the exported types with a method Error, as FOLDER.NAME.
func exportedErrors(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	for _, top := range []string{"lockfile", "pkg", "plugins"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			dir, err := filepath.Rel(root, filepath.Dir(path))
			for _, decl := range file.Decls {
				f, ok := decl.(*ast.FuncDecl)
				if !ok || f.Recv == nil || f.Name.Name != "Error" || f.Type.Params.NumFields() > 0 {
					continue
				}
				of := f.Recv.List[0].Type
				if star, ok := of.(*ast.StarExpr); ok {
					of = star.X
				}
				if name, ok := of.(*ast.Ident); ok && name.IsExported() {
					out = append(out, filepath.ToSlash(dir)+"."+name.Name)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}
