// Package sbom is CycloneDX 1.6 in JSON (https://cyclonedx.org/docs/1.6/json/), as
// far as this program writes and reads it: what a lock pins, and the Go modules in
// an executable. What it writes bears no time and no serial number, which the
// specification makes optional: the same thing is the same bytes.
package sbom

import (
	"bytes"
	"encoding/json"
)

// MediaType is that of a document in JSON.
const MediaType = "application/vnd.cyclonedx+json"

// BOM is a document.
type BOM struct {
	Schema       string       `json:"$schema"`
	BOMFormat    string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     Metadata     `json:"metadata"`
	Components   []Component  `json:"components"`
	Dependencies []Dependency `json:"dependencies"`
}

// Metadata says what the document is of, and what wrote it.
type Metadata struct {
	Tools     Tools     `json:"tools"`
	Component Component `json:"component"`
}

// Tools are what wrote a document.
type Tools struct {
	Components []Component `json:"components"`
}

// Component is a part: a driver, an archive, an executable, a module.
type Component struct {
	Type       string      `json:"type"`
	Ref        string      `json:"bom-ref,omitempty"` // unique in the document
	Name       string      `json:"name"`
	Version    string      `json:"version,omitempty"`
	Hashes     []Hash      `json:"hashes,omitempty"`
	PURL       string      `json:"purl,omitempty"`
	External   []Reference `json:"externalReferences,omitempty"`
	Properties []Property  `json:"properties,omitempty"`
	Components []Component `json:"components,omitempty"`
}

// Hash is a component's.
type Hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

// Reference is an address of a component.
type Reference struct {
	Type   string `json:"type"`
	URL    string `json:"url"`
	Hashes []Hash `json:"hashes,omitempty"`
}

// Property is whatever else there is to say.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Dependency says what a component depends on.
type Dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

// Namespace is what the names of properties begin with, as the specification asks
// for.
const Namespace = "schemahero:plugin:"

// New returns an empty document of a component. version is that of this program,
// "" for a document whose bytes shall not depend on it.
func New(of Component, version string) *BOM {
	return &BOM{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata: Metadata{
			Tools:     Tools{[]Component{{Type: "application", Name: "kubectl-schemahero-plugin", Version: version}}},
			Component: of,
		},
		Components: []Component{},
	}
}

// Encode writes a document.
func (b *BOM) Encode() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(b)
	return out.Bytes(), err
}

// Properties takes pairs of name and value, and leaves out what has no value.
func Properties(pairs ...string) (out []Property) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, Property{Namespace + pairs[i], pairs[i+1]})
		}
	}
	return out
}
