// Command schema writes the JSON Schema of schemahero-plugins.toml, for editors
// (`make docs`), from the Go types in document.go. The program's own parser
// stays the judge: the schema only tells the same while one types.
//
//	go -C hack run ./schema FILE
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/invopop/jsonschema"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "schema: FILE is missing")
		os.Exit(2)
	}
	data, err := schema()
	if err == nil {
		err = os.WriteFile(os.Args[1], data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}

func schema() ([]byte, error) {
	r := jsonschema.Reflector{
		Anonymous:      true, // the $id is where it is published, not a Go package
		ExpandedStruct: true,
	}
	s := r.Reflect(&document{})
	s.ID = jsonschema.ID(manifest.SchemaURL)
	s.Title = manifest.FileName
	s.Description = "Which SchemaHero database drivers a project needs, and in which versions."
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(s)
	return b.Bytes(), err
}
