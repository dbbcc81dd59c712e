package plugins_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The package is small, and what it shows of ours is its own, or of the two
// packages that are stable too.
func TestSurface(t *testing.T) {
	const module = "github.com/schemahero/kubectl-schemahero-plugin/"
	shown := []string{module + "lockfile", module + "pkg/artifact"}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	functions := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		imports := map[string]string{}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			imports[path[strings.LastIndex(path, "/")+1:]] = path
		}
		look := func(where string, n ast.Node) {
			ast.Inspect(n, func(n ast.Node) bool {
				if f, ok := n.(*ast.Field); ok && len(f.Names) > 0 && !f.Names[0].IsExported() && strings.HasPrefix(where, "type ") {
					return false
				}
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok {
						if path := imports[x.Name]; strings.HasPrefix(path, module) && !slices.Contains(shown, path) {
							t.Errorf("%s: %s shows %s.%s", name, where, x.Name, s.Sel.Name)
						}
					}
				}
				return true
			})
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if !d.Name.IsExported() || d.Recv != nil && !ast.IsExported(receiver(d)) {
					continue
				}
				functions++
				look("func "+d.Name.Name, d.Type)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() {
						look("type "+ts.Name.Name, ts.Type)
					}
				}
			}
		}
	}
	if functions == 0 || functions > 30 {
		t.Errorf("%d exported functions and methods, want 1 to 30", functions)
	}
}

func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	return e.(*ast.Ident).Name
}
