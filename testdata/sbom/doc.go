// Package sbom holds the SBOMs that `export cyclonedx` writes against CycloneDX's
// own schema and Go library. It is a module of its own so that the program's does
// not name them.
package sbom
