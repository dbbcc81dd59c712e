package publish

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// NoDriverError says that a source tree has no driver of a name.
type NoDriverError struct {
	Dir   string // where its main package should be
	Name  string
	Found []string // the drivers that are there
}

func (e *NoDriverError) Error() string {
	return fmt.Sprintf("%s: holds no Go program, so there is no driver %s to build", e.Dir, e.Name)
}

func (e *NoDriverError) Kind() fault.Kind { return fault.Usage }

func driverDir(source, name string) string { return filepath.Join(source, "plugins", name) }

// ListDrivers returns the names of the drivers in a source tree, sorted: the
// folders source/plugins/NAME that hold a Go program.
func ListDrivers(source string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(source, "plugins"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if artifact.CheckName(e.Name()) == nil && isProgram(driverDir(source, e.Name())) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// isProgram reports whether a folder holds a file of package main.
func isProgram(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.PackageClauseOnly)
		if err == nil && f.Name.Name == "main" {
			return true
		}
	}
	return false
}
