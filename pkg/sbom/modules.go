package sbom

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"unicode"
)

// OfExecutable returns the document of an executable: a component for each Go
// module that is linked in, with the version and the package URL that scanners
// know, and one for Go's own library. It is a function of its arguments alone.
func OfExecutable(executable Component, info *debug.BuildInfo) *BOM {
	executable.Ref = cmp.Or(executable.Ref, "executable")
	b := New(executable, "")
	b.Components = Modules(info)
	of := Dependency{Ref: executable.Ref}
	b.Dependencies = []Dependency{{}}
	for i := range b.Components {
		c := &b.Components[i]
		c.Ref = c.PURL
		of.DependsOn = append(of.DependsOn, c.Ref)
		b.Dependencies = append(b.Dependencies, Dependency{Ref: c.Ref})
	}
	b.Dependencies[0] = of
	return b
}

// Modules returns the Go modules of an executable, sorted by path: the main one,
// those that are linked in, as they were replaced, and Go's own library, which
// scanners call stdlib.
func Modules(info *debug.BuildInfo) []Component {
	out := []Component{module("stdlib", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m == nil || m.Path == "" {
			continue
		}
		used := m
		if r := m.Replace; r != nil && !strings.HasPrefix(r.Path, ".") && !strings.HasPrefix(r.Path, "/") {
			used = r
		}
		c := module(used.Path, used.Version)
		if used != m {
			c.Properties = Properties("replaces", strings.TrimSuffix(m.Path+"@"+m.Version, "@"))
		}
		out = append(out, c)
	}
	return unique(out)
}

// unique sorts components and drops those whose package URL came before: it becomes
// a reference, of which there is one.
func unique(list []Component) []Component {
	slices.SortFunc(list, func(a, b Component) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(c Component) bool {
		twice := seen[c.PURL]
		seen[c.PURL] = true
		return twice
	})
}

// module is a component of type golang
// (https://github.com/package-url/purl-spec, "golang"). A main module that was
// built in its folder has no version.
func module(path, version string) Component {
	if version == "(devel)" {
		version = ""
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	purl := "pkg:golang/" + strings.Join(segments, "/")
	if version != "" {
		purl += "@" + strings.ReplaceAll(url.PathEscape(version), "+", "%2B")
	}
	return Component{Type: "library", Name: path, Version: version, PURL: purl}
}

// What is read of somebody else's document.
const (
	MaxDocument   = 8 << 20 // bytes
	maxComponents = 10_000
	maxText       = 512
)

// Read returns the components of a document that anybody may have written, without
// what they consist of: those with a package URL, each once, sorted. Errors: why
// the bytes are no such document.
func Read(data []byte) ([]Component, error) {
	var b struct {
		Format     string `json:"bomFormat"`
		Components []struct {
			Type    string `json:"type"`
			Name    string `json:"name"`
			Version string `json:"version"`
			PURL    string `json:"purl"`
		} `json:"components"`
	}
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("has %d bytes, at most %d are read", len(data), MaxDocument)
	}
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("is not JSON of that kind: %w", err)
	}
	switch {
	case b.Format != "CycloneDX":
		return nil, errors.New("is not a CycloneDX document")
	case len(b.Components) > maxComponents:
		return nil, fmt.Errorf("has %d components, at most %d are read", len(b.Components), maxComponents)
	}
	out := []Component{}
	for _, c := range b.Components {
		if c.Type != "library" && c.Type != "application" && c.Type != "framework" || !strings.HasPrefix(c.PURL, "pkg:") || !text(c.Name) || !text(c.Version) || !text(c.PURL) {
			continue
		}
		out = append(out, Component{Type: c.Type, Name: c.Name, Version: c.Version, PURL: c.PURL})
	}
	return unique(out), nil
}

// text reports whether a string can be written into another document.
func text(s string) bool {
	return len(s) <= maxText && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
}
