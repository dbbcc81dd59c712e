package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

const published = "../../docs/schema/schemahero-plugins.json"

func TestSchemaIsCurrent(t *testing.T) {
	want, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(published); err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/schema/schemahero-plugins.json: is not current (%v); run `make docs`", err)
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(manifest.SchemaURL, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(manifest.SchemaURL)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate holds TOML against the schema, as an editor does.
func validate(s *jsonschema.Schema, text []byte) error {
	var table map[string]any
	if err := toml.Unmarshal(text, &table); err != nil {
		return err
	}
	data, err := json.Marshal(table)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

// What the parser accepts, the schema does too; and it marks the files that
// are wrong in what a schema can say.
func TestManifests(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("../../testdata/manifest/*.toml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		err = validate(s, data)
		if good := strings.HasPrefix(name, "good"); good != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := validate(s, manifest.New(manifest.NewOptions{Plugins: []manifest.Edit{{Name: "postgres", Version: "^0.1"}}})); err != nil {
		t.Errorf("what init writes: %v", err)
	}
}

// One mistake at a time, each of which the parser refuses too.
func TestMistakes(t *testing.T) {
	s := compiled(t)
	for _, text := range []string{
		`registri = "docker.io/x"`,
		`registry = "https://docker.io/x"`,
		`registry = 1`,
		`registry = []`,
		`registry = ["a.b/c", "a.b/c"]`,
		`registry = "acme/schemahero"`,
		`registry = "ghcr.io/acme/{nam}"`,
		`platforms = ["linux"]`,
		`platforms = ["linux/amd65"]`,
		`dir = "../bin"`,
		`dir = "a/../../bin"`,
		`platforms = []`,
		`dir = "/opt"`,
		`dir = "~/x"`,
		`schemahero = 0.25`,
		`schemahero = "v0.25"`,
		`minimum-age = "soon"`,
		`minimum-age = 72`,
		`required-version = "latest"`,
		`required-version = 0.3`,
		`plugins = []`,
		"[plugins]\npostgres = \"latest\"",
		"[plugins]\npostgres = 1",
		"[plugins]\npostgresql = \"*\"",
		"[plugins]\nPostgres = \"*\"",
		"[plugins]\nschemahero = \"0.25\"",
		"[plugins]\npostgres = {}",
		"[plugins]\npostgres = { version = \"1\", tag = \"x\" }",
		"[plugins]\npostgres = { version = \"1\", registry = \"a.b/c\", repository = \"a.b/d\" }",
		"[plugins]\npostgres = { tag = \"x\", prerelease = true }",
		"[plugins]\npostgres = { digest = \"sha256:12\" }",
		"[plugins]\npostgres = { version = \"1\", minimum-age = \"soon\" }",
		"[plugins]\npostgres = { digest = \"sha256:" + strings.Repeat("0", 64) + "\", minimum-age = \"0h\" }",
		"[plugins]\npostgres = { versoin = \"1\" }",
		"[plugins]\npostgres = { version = \"1\", aliases = \"x\" }",
		"[plugins]\npostgres = { version = \"1\", repository = \"a.b/c:tag\" }",
		"[[trust]]\nunsigned = true",
		"[[trust]]\nscope = \"docker.io\"",
		"[[trust]]\nscope = \"docker.io/*\"\nunsigned = true",
		"[[trust]]\nscope = \"docker.io\"\nunsigned = false",
		"[[trust]]\nscope = \"docker.io\"\nunsigned = true\nkeys = [\"k\"]",
		"[[trust]]\nscope = \"docker.io\"\nkeys = []",
		"[[trust]]\nscope = \"docker.io\"\nkeyless = { issuer = \"https://x\" }",
		"[[trust]]\nscope = \"docker.io\"\nkeyless = { identity = \"x\" }",
		"[[trust]]\nscope = \"docker.io\"\nkeyless = { issuer = \"https://x\", identity = \"x\", identity-regexp = \"y\" }",
	} {
		if _, err := manifest.Parse("x.toml", []byte(text)); err == nil {
			t.Errorf("the parser takes\n%s", text)
		}
		if err := validate(s, []byte(text)); err == nil {
			t.Errorf("the schema takes\n%s", text)
		}
	}
}

// Unusual, but the parser takes it.
func TestUnusual(t *testing.T) {
	s := compiled(t)
	for _, text := range []string{
		`dir = "~x"`,
		`dir = "a..b/c"`,
		`minimum-age = "0"`,
		`registry = "registry:5000"`,
		`registry = "[::1]:5000/x"`,
		`registry = "localhost/{name}/x"`,
		`platforms = ["plan9/386", "linux/arm64/v8"]`,
		"[plugins]\npostgres = { version = \"1\", aliases = [] }",
		`required-version = "v0.3 || ^1"`,
		"[plugins]\nedge = { tag = \"nightly\", minimum-age = \"0\" }",
	} {
		if _, err := manifest.Parse("x.toml", []byte(text)); err != nil {
			t.Errorf("the parser refuses\n%s\n%v", text, err)
		}
		if err := validate(s, []byte(text)); err != nil {
			t.Errorf("the schema refuses\n%s\n%v", text, err)
		}
	}
}

// An editor shows a description for every key, and knows every key there is.
func TestEveryKeyIsDescribed(t *testing.T) {
	s := compiled(t)
	var keys []string
	var walk func(path string, s *jsonschema.Schema, seen map[*jsonschema.Schema]bool)
	walk = func(path string, s *jsonschema.Schema, seen map[*jsonschema.Schema]bool) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		for name, p := range s.Properties {
			at := strings.TrimPrefix(path+"."+name, ".")
			if path != "plugins" {
				keys = append(keys, at)
				if p.Description == "" {
					t.Errorf("%s: has no description", at)
				}
			}
			walk(at, p, seen)
		}
		walk(path, s.Ref, seen)
		for _, o := range s.OneOf {
			walk(path, o, seen)
		}
		if items, ok := s.Items2020, s.Items2020 != nil; ok {
			walk(path+"[]", items, seen)
		}
		if more, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
			walk(path+".*", more, seen)
		}
	}
	walk("", s, map[*jsonschema.Schema]bool{})
	for _, want := range []string{"registry", "minimum-age", "required-version", "plugins", "trust", "trust[].keyless.identity-regexp"} {
		if !slices.Contains(keys, want) {
			t.Errorf("lacks %s among %v", want, keys)
		}
	}
}
