package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// Every exported error type states its kind, of which exit codes are made. The
// solver knows no kinds: its one failure reaches nobody as it is.
func TestWallOfKinds(t *testing.T) {
	seen := 0
	for _, p := range list(t, "linux") {
		if p.row() == "pkg/pubgrub" {
			continue
		}
		errs, kinds := map[string]bool{}, map[string]bool{}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				f, ok := decl.(*ast.FuncDecl)
				if !ok || f.Recv == nil || len(f.Type.Params.List) > 0 {
					continue
				}
				switch f.Name.Name {
				case "Error":
					errs[receiver(f)] = true
				case "Kind":
					kinds[receiver(f)] = true
				}
			}
		}
		for name := range errs {
			if !ast.IsExported(name) {
				continue
			}
			seen++
			if !kinds[name] {
				t.Errorf("%s.%s: has no method Kind() fault.Kind", p.name(), name)
			}
		}
	}
	if seen < 50 {
		t.Errorf("found %d error types: this test looks in the wrong place", seen)
	}
}

// receiver is the name of the type that a method belongs to.
func receiver(f *ast.FuncDecl) string {
	at := f.Recv.List[0].Type
	if star, ok := at.(*ast.StarExpr); ok {
		at = star.X
	}
	if name, ok := at.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
