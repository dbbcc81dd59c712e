package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// document is the shape of a manifest.
type document struct {
	Registry   registries        `json:"registry,omitempty" jsonschema_description:"Where releases are: HOST/PATH, to which /NAME is added, or with {name} in it. A list is tried in order; only a repository that does not exist leads to the next. Default: where SchemaHero publishes."`
	Platforms  []platform        `json:"platforms,omitempty" jsonschema:"minItems=1,uniqueItems=true" jsonschema_description:"Platforms to lock. Default: all that a release offers."`
	Dir        string            `json:"dir,omitempty" jsonschema:"minLength=1,pattern=^[^/\\\\:][^\\\\:]*$,example=plugins/bin" jsonschema_description:"Folder to install in, relative to this file and inside its folder. Default: ~/.schemahero/plugins."`
	SchemaHero string            `json:"schemahero,omitempty" jsonschema:"pattern=^[0-9]+\\.[0-9]+(\\.[0-9]+.*)?$,example=0.25,example=0.25.1" jsonschema_description:"The host's version, which every driver must support."`
	MinimumAge string            `json:"minimum-age,omitempty" jsonschema:"minLength=1,pattern=^(0|([0-9]+d)?([0-9.]+(h|m|s|ms|us|µs|ns))*)$,example=72h,example=3d" jsonschema_description:"Take no release that is younger than this."`
	Required   string            `json:"required-version,omitempty" jsonschema:"example=>=0.3,example=~0.3.1" jsonschema_description:"Constraint on the version of kubectl-schemahero-plugin itself, which is judged before anything else in this file."`
	Plugins    map[string]plugin `json:"plugins,omitempty" jsonschema_description:"The drivers, by name: postgres, mysql, timescaledb, sqlite, rqlite, cassandra, or any other."`
	Trust      []rule            `json:"trust,omitempty" jsonschema_description:"Who must have signed. If there is any rule, a repository under none of them is refused."`
}

// JSONSchemaExtend restricts the names of plugins as the parser does.
func (document) JSONSchemaExtend(s *jsonschema.Schema) {
	dir, _ := s.Properties.Get("dir")
	dir.Not = &jsonschema.Schema{Pattern: `^~/|^~$|(^|/)\.\.(/|$)`}
	required, _ := s.Properties.Get("required-version")
	required.Pattern = constraintPattern
	plugins, _ := s.Properties.Get("plugins")
	var refused []any
	for _, name := range []string{"schemahero", "postgresql", "cockroachdb", "mariadb", "sqlite3"} {
		if manifest.CheckName(name) != nil {
			refused = append(refused, name)
		}
	}
	plugins.PropertyNames = &jsonschema.Schema{Pattern: "^[a-z0-9][a-z0-9-]{0,62}$", Not: &jsonschema.Schema{Enum: refused}}
	// Known names first, for an editor to offer.
	plugins.Properties = jsonschema.NewProperties()
	for _, name := range artifact.KnownDrivers() {
		plugins.Properties.Set(name, &jsonschema.Schema{Ref: plugins.AdditionalProperties.Ref})
	}
}

// registries is one registry or a list of them.
type registries struct{}

// hostPattern takes HOST[:PORT] as docker does: a first word without a dot or a
// port is a path on Docker Hub there, and refused here.
const hostPattern = `((localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?|[A-Za-z0-9-]+:[0-9]+)`

const registryPattern = `^(oci-layout:.+|` + hostPattern + `(/([a-z0-9._-]|\{name\})+)*)$`

// JSONSchema implements jsonschema's interface.
func (registries) JSONSchema() *jsonschema.Schema {
	one := func() *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", Pattern: registryPattern, Examples: []any{"docker.io/schemahero/plugins", "ghcr.io/acme/schemahero-{name}"}}
	}
	least := uint64(1)
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{one(), {Type: "array", Items: one(), MinItems: &least, UniqueItems: true}}}
}

// platform is OS/ARCH[/VARIANT].
type platform string

// JSONSchema implements jsonschema's interface.
func (platform) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Type: "string", Pattern: "^(" + known("%s/amd64", systems) + ")/(" + known("linux/%s", architectures) + ")(/v[0-9])?$",
		Examples: []any{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"},
	}
}

// Go's names (go tool dist list).
const (
	systems       = "aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris wasip1 windows"
	architectures = "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm"
)

// known joins those words that the parser takes.
func known(form, words string) string {
	var out []string
	for w := range strings.FieldsSeq(words) {
		if _, err := artifact.ParsePlatform(fmt.Sprintf(form, w)); err == nil {
			out = append(out, w)
		}
	}
	return strings.Join(out, "|")
}

// plugin is a constraint, or a table that says more.
type plugin struct{}

// constraintPattern takes what begins with an operator and a number or a
// wildcard; the parser knows the rest. It refuses words, such as "latest".
const constraintPattern = `^[\s<>=!~^v]*[0-9*xX].*$`

// JSONSchema implements jsonschema's interface.
func (plugin) JSONSchema() *jsonschema.Schema {
	r := jsonschema.Reflector{Anonymous: true, DoNotReference: true}
	table := r.Reflect(&entry{})
	table.Version = ""
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
		{
			Type: "string", Pattern: constraintPattern, Examples: []any{"^0.1", "~0.1.2", ">=0.1, <0.3", "*"},
			Description: "A version constraint.",
		},
		table,
	}}
}

// entry is the table of a plugin.
type entry struct {
	Version    string     `json:"version,omitempty" jsonschema_description:"A version constraint: ^0.1, ~0.1.2, '>=0.1, <0.3', *."`
	Tag        string     `json:"tag,omitempty" jsonschema:"pattern=^[A-Za-z0-9_][A-Za-z0-9_.-]{0\\,127}$,example=nightly" jsonschema_description:"A floating tag, which the lock pins to what it names now."`
	Digest     string     `json:"digest,omitempty" jsonschema:"pattern=^sha256:[0-9a-f]{64}$" jsonschema_description:"Exactly this release."`
	Registry   registries `json:"registry,omitempty" jsonschema_description:"Of this driver, instead of the manifest's."`
	Repository string     `json:"repository,omitempty" jsonschema:"example=registry.internal/db/schemahero-oracle" jsonschema_description:"HOST/PATH of this driver's releases, without a tag."`
	Prerelease bool       `json:"prerelease,omitempty" jsonschema_description:"Take prereleases too."`
	MinimumAge string     `json:"minimum-age,omitempty" jsonschema:"minLength=1,pattern=^(0|([0-9]+d)?([0-9.]+(h|m|s|ms|us|µs|ns))*)$,example=72h,example=3d" jsonschema_description:"Of this driver, instead of the manifest's; 0h takes any release."`
	Aliases    []string   `json:"aliases,omitempty" jsonschema:"uniqueItems=true" jsonschema_description:"Install the executable under these names too: the host looks for schemahero-cockroachdb, which nobody publishes."`
}

// JSONSchemaExtend says which keys exclude each other.
func (entry) JSONSchemaExtend(s *jsonschema.Schema) {
	version, _ := s.Properties.Get("version")
	version.Pattern = constraintPattern
	repository, _ := s.Properties.Get("repository")
	repository.Pattern = `^(oci-layout:.+|` + hostPattern + `(/[a-z0-9._-]+)+)$`
	aliases, _ := s.Properties.Get("aliases")
	aliases.Items.Pattern = "^[a-z0-9][a-z0-9-]{0,62}$"
	s.OneOf = requireEach("version", "tag", "digest")
	s.Not = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Required: []string{"registry", "repository"}}, {Required: []string{"digest", "minimum-age"}}}}
	s.DependentRequired = map[string][]string{"prerelease": {"version"}}
}

// rule is a [[trust]] table.
type rule struct {
	Scope    string   `json:"scope" jsonschema:"minLength=1,pattern=^[^*?@\\s]+$,example=docker.io/schemahero" jsonschema_description:"This path and all below it, by whole segments. The longest scope decides."`
	Keyless  *keyless `json:"keyless,omitempty" jsonschema_description:"Signed by a workflow or a person, whom a certificate names."`
	Keys     []string `json:"keys,omitempty" jsonschema:"minItems=1" jsonschema_description:"Signed by any of these public keys; paths relative to this file."`
	Unsigned bool     `json:"unsigned,omitempty" jsonschema:"enum=true" jsonschema_description:"Accepted without a signature."`
}

// JSONSchemaExtend says which keys exclude each other.
func (rule) JSONSchemaExtend(s *jsonschema.Schema) {
	s.OneOf = requireEach("keyless", "keys", "unsigned")
	unsigned, _ := s.Properties.Get("unsigned")
	unsigned.Enum, unsigned.Const = nil, true
}

type keyless struct {
	Issuer         string `json:"issuer" jsonschema:"minLength=1,example=https://token.actions.githubusercontent.com" jsonschema_description:"The OpenID Connect issuer, exactly."`
	Identity       string `json:"identity,omitempty" jsonschema:"minLength=1" jsonschema_description:"The signer, exactly."`
	IdentityRegexp string `json:"identity-regexp,omitempty" jsonschema:"minLength=1" jsonschema_description:"A regular expression (RE2) that matches the whole signer."`
	TrustedRoot    string `json:"trusted-root,omitempty" jsonschema:"minLength=1" jsonschema_description:"File with the root of a private Sigstore; default: the public good instance's."`
	Attestation    string `json:"attestation,omitempty" jsonschema:"minLength=1,format=uri,example=https://slsa.dev/provenance/v1" jsonschema_description:"The predicate type of an attestation by the same signer that is accepted in place of a signature."`
}

// JSONSchemaExtend says which keys exclude each other.
func (keyless) JSONSchemaExtend(s *jsonschema.Schema) {
	s.OneOf = requireEach("identity", "identity-regexp")
}

// requireEach is for oneOf: exactly one of the keys.
func requireEach(keys ...string) []*jsonschema.Schema {
	var all []*jsonschema.Schema
	for _, k := range slices.Sorted(slices.Values(keys)) {
		all = append(all, &jsonschema.Schema{Required: []string{k}})
	}
	return all
}
