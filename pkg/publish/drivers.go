package publish

import (
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
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

// NoVersionError says that nothing states a driver's version.
type NoVersionError struct {
	Name string
	Dir  string
}

func (e *NoVersionError) Error() string {
	return fmt.Sprintf("%s: no version: there is no VERSION file in %s or above, and no git tag of the form vX.Y.Z", e.Name, e.Dir)
}

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

// isProgram tells whether a folder holds a file of package main.
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

// VersionOf finds a driver's version, without a leading v: what stands in
// source/plugins/NAME/VERSION, else in source/VERSION, else what git describes
// the commit as by tags plugins/NAME/vX.Y.Z (as Go names the versions of a
// module in a folder), vX.Y.Z and X.Y.Z. A commit behind its tag is a
// prerelease of it, like 0.1.2-3-g4f2a9c1. env is the environment of git.
// Errors: *FileError, *NoVersionError, the disk's, the context's.
func VersionOf(ctx context.Context, source, name string, env []string) (string, error) {
	dir := driverDir(source, name)
	for _, file := range []string{filepath.Join(dir, "VERSION"), filepath.Join(source, "VERSION")} {
		data, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		v, err := parseVersion(strings.TrimSpace(string(data)))
		if err != nil {
			return "", &FileError{file, fmt.Sprintf("holds %q, which is not X.Y.Z[-pre][+build]", strings.TrimSpace(string(data)))}
		}
		return v.String(), nil
	}
	prefix := "plugins/" + name + "/"
	out, err := run(ctx, dir, env, "git", "describe", "--tags", "--match", prefix+"v[0-9]*", "--match", "v[0-9]*", "--match", "[0-9]*")
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err == nil {
		if v, err := parseVersion(strings.TrimPrefix(strings.TrimSpace(out), prefix)); err == nil {
			return v.String(), nil
		}
	}
	return "", &NoVersionError{name, dir}
}
