package kube

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Need is a driver that some object needs.
type Need struct {
	Driver  string   // postgres
	Aliases []string // engines for which the host asks by their own name, sorted: cockroachdb
	Objects []string // what needs it, sorted: "db/pg.yaml: Database/main"
}

// Found is what the objects that were read need.
type Found struct {
	Needs    []Need          // sorted by driver
	Problems []EngineProblem // in the order in which they were read
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

// maxFile is how many bytes of YAML are read of one file.
const maxFile = 64 << 20

// object is as much of any object as tells what it is, and of a list what is in it.
type object struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Items      []json.RawMessage `json:"items"`
}

// owned is as much of a Database or Table as is needed.
type owned struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Connection map[string]any `json:"connection"`
		Schema     map[string]any `json:"schema"`
	} `json:"spec"`
}

// maxNested is how many Lists may lie in each other: each is read again for every
// one around it.
const maxNested = 8

// Scan reads every .yaml and .yml file below the root of a file system, but
// those in folders whose names begin with a dot, and returns the drivers that
// their SchemaHero objects need. Documents of other kinds are
// passed over, and so are files that are no YAML because they are templates of
// it (they hold "{{"). Errors: *FileError.
func Scan(root fs.FS) (Found, error) {
	found := needs{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return &FileError{name, err}
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml":
			return nil
		}
		f, err := root.Open(name)
		if err != nil {
			return &FileError{name, err}
		}
		defer f.Close()
		return found.read(name, f)
	})
	return found.found(), err
}

// Read is Scan of one file, of any name: YAML or JSON, one document or several,
// objects or Lists of them as kubectl writes them. Errors: *FileError.
func Read(name string, r io.Reader) (Found, error) {
	found := needs{}
	err := found.read(name, r)
	return found.found(), err
}

func (n *needs) read(name string, r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return &FileError{name, err}
	case len(data) > maxFile:
		return &FileError{name, fmt.Errorf("is larger than %d MiB", maxFile>>20)}
	}
	// PowerShell writes the output of `kubectl get -o yaml` in UTF-16.
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(diag.UTF8(data))))
	for {
		doc, err := documents.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return &FileError{name, err}
		}
		if !bytes.Contains(doc, []byte("schemahero.io/")) {
			continue
		}
		text, err := yaml.ToJSON(doc)
		if err == nil {
			err = n.add(name, text, object{}, 0)
		}
		if err != nil && !bytes.Contains(doc, []byte("{{")) {
			return &FileError{name, err}
		}
	}
}

// add adds what an object needs, or each item of a list. The items of a list that
// an API server writes do not repeat what they are: outer says it.
func (n *needs) add(file string, text []byte, outer object, nested int) error {
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		if outer.Kind == "" {
			return err
		}
		return nil // an item of another kind
	}
	o.APIVersion, o.Kind = cmp.Or(o.APIVersion, outer.APIVersion), cmp.Or(o.Kind, strings.TrimSuffix(outer.Kind, "List"))
	if strings.HasSuffix(o.Kind, "List") {
		if nested == maxNested {
			return fmt.Errorf("more than %d Lists lie in each other", maxNested)
		}
		for _, item := range o.Items {
			if err := n.add(file, item, object{APIVersion: o.APIVersion, Kind: o.Kind}, nested+1); err != nil {
				return err
			}
		}
		return nil
	}
	group, _, _ := strings.Cut(o.APIVersion, "/")
	database := group == "databases.schemahero.io" && o.Kind == "Database"
	if !database && !(group == "schemas.schemahero.io" && o.Kind == "Table") {
		return nil
	}
	var it owned
	if err := json.Unmarshal(text, &it); err != nil {
		return err
	}
	engines := enginesOf(it.Spec.Schema)
	if database {
		engines = enginesOf(it.Spec.Connection)
	}
	if database || len(engines) > 0 { // a Table may have no schema
		n.need(engines, fmt.Sprintf("%s: %s/%s", file, o.Kind, it.Metadata.Name))
	}
	return nil
}
