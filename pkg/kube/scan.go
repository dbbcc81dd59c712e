// Package kube tells which drivers SchemaHero's own objects need: Database and
// Table objects as they stand in YAML files. Only the names of engines are
// read from them; connection values can be secrets and are never kept.
package kube

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Need is a driver that some object needs.
type Need struct {
	Driver  string   // postgres
	Aliases []string // engines for which the host asks by their own name, sorted: cockroachdb
	Objects []string // what needs it, sorted: "db/pg.yaml: Database/main"
}

// FileError says which file could not be read as YAML, and why.
type FileError struct {
	File string
	Err  error
}

func (e *FileError) Error() string { return e.File + ": " + e.Err.Error() }

// Kind is fault.Usage for a file that does not parse.
func (e *FileError) Kind() fault.Kind {
	if errors.As(e.Err, new(*fs.PathError)) {
		return fault.Failure
	}
	return fault.Usage
}
func (e *FileError) Unwrap() error { return e.Err }

// maxFile is the size over which a YAML file is no SchemaHero object, in bytes.
const maxFile = 4 << 20

// engines are the keys of spec.connection and spec.schema in the order in
// which the host takes the first one that is there (v0.25).
func engines() []string {
	return []string{"cockroachdb", "cassandra", "postgres", "mysql", "rqlite", "sqlite", "timescaledb"}
}

// object is as much of a Database or Table as is needed.
type object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Connection map[string]any `json:"connection"`
		Schema     map[string]any `json:"schema"`
	} `json:"spec"`
}

// Scan reads every .yaml and .yml file below the root of a file system, but
// those in folders whose names begin with a dot, and returns the drivers that
// their SchemaHero objects need, sorted by name. Documents of other kinds are
// passed over, and so are files that are no YAML because they are templates of
// it (they hold "{{"). Errors: *FileError.
func Scan(root fs.FS) ([]Need, error) {
	needs := map[string]*Need{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return &FileError{name, err}
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml":
			return nil
		}
		return scanFile(root, name, needs)
	})
	if err != nil {
		return nil, err
	}
	var out []Need
	for _, n := range needs {
		slices.Sort(n.Aliases)
		slices.Sort(n.Objects)
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b Need) int { return strings.Compare(a.Driver, b.Driver) })
	return out, nil
}

func scanFile(root fs.FS, name string, needs map[string]*Need) error {
	f, err := root.Open(name)
	if err != nil {
		return &FileError{name, err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return &FileError{name, err}
	}
	// PowerShell writes the output of `kubectl get -o yaml` in UTF-16.
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(diag.UTF8(data))))
	for {
		doc, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &FileError{name, err}
		}
		if !strings.Contains(string(doc), "schemahero.io/") {
			continue
		}
		var o object
		if err := yaml.Unmarshal(doc, &o); err != nil {
			if strings.Contains(string(doc), "{{") {
				continue
			}
			return &FileError{name, err}
		}
		o.add(name, needs)
	}
}

func (o *object) add(file string, needs map[string]*Need) {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	keys := o.Spec.Connection
	switch {
	case group == "databases.schemahero.io" && o.Kind == "Database":
	case group == "schemas.schemahero.io" && o.Kind == "Table":
		keys = o.Spec.Schema
	default:
		return
	}
	for _, engine := range engines() {
		if _, ok := keys[engine]; !ok {
			continue
		}
		driver := engine
		if d, ok := artifact.DriverOf(engine); ok {
			driver = d
		}
		n := needs[driver]
		if n == nil {
			n = &Need{Driver: driver}
			needs[driver] = n
		}
		if artifact.HostLooksFor(engine) && !slices.Contains(n.Aliases, engine) {
			n.Aliases = append(n.Aliases, engine)
		}
		n.Objects = append(n.Objects, fmt.Sprintf("%s: %s/%s", file, o.Kind, o.Metadata.Name))
		return
	}
}
