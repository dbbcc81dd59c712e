package export

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/sbom"
)

// CycloneDX writes an SBOM of the locked drivers: a component for each, with its
// purl, repository and digest, and in it one for each platform's archive and
// executable, with the modules that are in it as far as they are known. program is the
// version of this program, project the name of what the SBOM is of.
func CycloneDX(l *lockfile.Lock, project, program string, modules func(lockfile.Platform) []sbom.Component) ([]byte, error) {
	out := sbom.New(sbom.Component{Type: "application", Ref: "project", Name: project}, program)
	all := sbom.Dependency{Ref: "project"}
	out.Dependencies = []sbom.Dependency{{}}
	for _, p := range l.Plugins {
		c := driver(p, modules)
		out.Components = append(out.Components, c)
		all.DependsOn = append(all.DependsOn, c.Ref)
		d := sbom.Dependency{Ref: c.Ref}
		for name := range p.Requires {
			if other, ok := l.Plugin(name); ok {
				d.DependsOn = append(d.DependsOn, purl(*other, artifact.Platform{}))
			}
		}
		slices.Sort(d.DependsOn)
		out.Dependencies = append(out.Dependencies, d)
	}
	out.Dependencies[0] = all
	return out.Encode()
}

func driver(p lockfile.Plugin, modules func(lockfile.Platform) []sbom.Component) sbom.Component {
	c := sbom.Component{Type: "application", Ref: purl(p, artifact.Platform{}), Name: "schemahero-" + p.Name, Version: p.Version, PURL: purl(p, artifact.Platform{})}
	if h, ok := sha256(p.Digest); ok {
		c.Hashes = []sbom.Hash{h}
	}
	c.External = []sbom.Reference{{Type: "distribution", URL: distribution(p.Repository)}}
	c.Properties = sbom.Properties("repository", p.Repository, "tag", p.Tag, "digest", p.Digest.String(), "requires:schemahero", p.Requires[artifact.Host], "aliases", strings.Join(p.Aliases, ","))
	if s := p.Signature; s != nil {
		c.Properties = append(c.Properties, sbom.Properties("signature:issuer", s.Issuer, "signature:identity", s.Identity, "signature:key", s.Key)...)
	}
	for _, q := range p.Platforms {
		c.Components = append(c.Components, archive(p, q, modules(q)))
	}
	return c
}

func archive(p lockfile.Plugin, q lockfile.Platform, modules []sbom.Component) sbom.Component {
	id := purl(p, q.Platform)
	c := sbom.Component{Type: "file", Ref: id, Name: q.File, Version: p.Version, PURL: id}
	if h, ok := sha256(q.Layer); ok {
		c.Hashes = []sbom.Hash{h}
	}
	c.Properties = sbom.Properties("platform", q.Platform.String(), "tag", q.Tag, "manifest", q.Manifest.String())
	executable := sbom.Component{Type: "file", Ref: id + "#" + q.Platform.Executable(p.Name), Name: q.Platform.Executable(p.Name), Version: p.Version}
	if h, ok := sha256(q.Executable); ok {
		executable.Hashes = []sbom.Hash{h}
	} else if len(modules) == 0 {
		return c
	}
	for _, m := range modules { // one module can be in many executables
		m.Ref = executable.Ref + "/" + m.PURL
		executable.Components = append(executable.Components, m)
	}
	c.Components = []sbom.Component{executable}
	return c
}

func sha256(d digest.Digest) (sbom.Hash, bool) {
	if d.Validate() != nil || d.Algorithm() != digest.SHA256 {
		return sbom.Hash{}, false
	}
	return sbom.Hash{Algorithm: "SHA-256", Content: d.Encoded()}, true
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
