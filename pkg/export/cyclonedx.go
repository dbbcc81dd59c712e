package export

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// bom is a CycloneDX 1.6 document, as far as a lock can fill one
// (https://cyclonedx.org/docs/1.6/json/). It bears no time and no serial number,
// which the specification makes optional: the same lock is the same SBOM.
type bom struct {
	Schema       string       `json:"$schema"`
	BOMFormat    string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Tools     toolset   `json:"tools"`
	Component component `json:"component"`
}

type toolset struct {
	Components []component `json:"components"`
}

type component struct {
	Type       string      `json:"type"`
	Ref        string      `json:"bom-ref,omitempty"`
	Name       string      `json:"name"`
	Version    string      `json:"version,omitempty"`
	Hashes     []hash      `json:"hashes,omitempty"`
	PURL       string      `json:"purl,omitempty"`
	External   []reference `json:"externalReferences,omitempty"`
	Properties []property  `json:"properties,omitempty"`
	Components []component `json:"components,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type reference struct {
	Type   string `json:"type"`
	URL    string `json:"url"`
	Hashes []hash `json:"hashes,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

// property names begin with this, as the specification asks for.
const namespace = "schemahero:plugin:"

// CycloneDX writes an SBOM of the locked drivers: a component for each, with its
// purl, repository and digest, and in it one for each platform's archive and
// executable. program is the version of this program, project the name of what
// the SBOM is of.
func CycloneDX(l *lockfile.Lock, project, program string) ([]byte, error) {
	out := bom{Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: "CycloneDX", SpecVersion: "1.6", Version: 1, Components: []component{}}
	out.Metadata.Tools.Components = []component{{Type: "application", Name: "kubectl-schemahero-plugin", Version: program}}
	out.Metadata.Component = component{Type: "application", Ref: "project", Name: project}
	all := dependency{Ref: "project"}
	out.Dependencies = []dependency{{}}
	for _, p := range l.Plugins {
		c := driver(p)
		out.Components = append(out.Components, c)
		all.DependsOn = append(all.DependsOn, c.Ref)
		d := dependency{Ref: c.Ref}
		for name := range p.Requires {
			if other, ok := l.Plugin(name); ok {
				d.DependsOn = append(d.DependsOn, purl(*other, artifact.Platform{}))
			}
		}
		slices.Sort(d.DependsOn)
		out.Dependencies = append(out.Dependencies, d)
	}
	out.Dependencies[0] = all
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(out)
	return b.Bytes(), err
}

func driver(p lockfile.Plugin) component {
	c := component{Type: "application", Ref: purl(p, artifact.Platform{}), Name: "schemahero-" + p.Name, Version: p.Version, PURL: purl(p, artifact.Platform{})}
	if h, ok := sha256(p.Digest); ok {
		c.Hashes = []hash{h}
	}
	c.External = []reference{{Type: "distribution", URL: distribution(p.Repository)}}
	c.Properties = properties("repository", p.Repository, "tag", p.Tag, "digest", p.Digest.String(), "requires:schemahero", p.Requires[artifact.Host], "aliases", strings.Join(p.Aliases, ","))
	if s := p.Signature; s != nil {
		c.Properties = append(c.Properties, properties("signature:issuer", s.Issuer, "signature:identity", s.Identity, "signature:key", s.Key)...)
	}
	for _, q := range p.Platforms {
		c.Components = append(c.Components, archive(p, q))
	}
	return c
}

func archive(p lockfile.Plugin, q lockfile.Platform) component {
	id := purl(p, q.Platform)
	c := component{Type: "file", Ref: id, Name: q.File, Version: p.Version, PURL: id}
	if h, ok := sha256(q.Layer); ok {
		c.Hashes = []hash{h}
	}
	c.Properties = properties("platform", q.Platform.String(), "tag", q.Tag, "manifest", q.Manifest.String())
	if h, ok := sha256(q.Executable); ok {
		c.Components = []component{{Type: "file", Ref: id + "#" + q.Platform.Executable(p.Name), Name: q.Platform.Executable(p.Name), Version: p.Version, Hashes: []hash{h}}}
	}
	return c
}

// properties takes pairs of name and value, and leaves out what has no value.
func properties(pairs ...string) (out []property) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, property{namespace + pairs[i], pairs[i+1]})
		}
	}
	return out
}

func sha256(d digest.Digest) (hash, bool) {
	if d.Validate() != nil || d.Algorithm() != digest.SHA256 {
		return hash{}, false
	}
	return hash{"SHA-256", d.Encoded()}, true
}

// purl is the package URL of a driver, of type oci
// (https://github.com/package-url/purl-spec, "oci"): the digest is its version,
// the repository a qualifier. In the tags layout each platform has its own.
func purl(p lockfile.Plugin, platform artifact.Platform) string {
	name := p.Repository[strings.LastIndexByte(p.Repository, '/')+1:]
	d, tag := p.Digest, p.Tag
	query := url.Values{}
	for _, q := range p.Platforms {
		if q.Platform == platform && (q.Tag != "" || d == "") || d == "" {
			d, tag = q.Manifest, cmp.Or(q.Tag, tag)
		}
	}
	if !platform.IsZero() {
		query.Set("arch", platform.Arch)
		query.Set("os", platform.OS)
		if platform.Variant != "" {
			query.Set("variant", platform.Variant)
		}
	}
	query.Set("repository_url", p.Repository)
	if tag != "" {
		query.Set("tag", tag)
	}
	return "pkg:oci/" + name + "@" + url.QueryEscape(d.String()) + "?" + query.Encode()
}

// distribution is the repository as an address, which the format wants to be one.
func distribution(repository string) string {
	if path, ok := strings.CutPrefix(repository, artifact.LayoutScheme); ok {
		return path
	}
	return "https://" + repository
}
