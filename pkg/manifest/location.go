package manifest

import (
	"errors"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// nameTemplate stands for the plugin's name in a registry, and nameStandIn for
// the template where a name is judged.
const (
	nameTemplate = "{name}"
	nameStandIn  = "0--name--0"
)

// Location is a repository in which a plugin may be.
type Location struct {
	Repository string // HOST/PATH without tag, or oci-layout:DIR
	BuiltIn    bool   // of the list that counts if nothing is configured
}

// Locations returns where to look for a plugin, in the order to try: its own
// entry's repository or registry, else the manifest's registry, else override
// (the value of SCHEMAHERO_PLUGIN_REGISTRY, "" for none, which stands for
// OVERRIDE-NAME as the host has it), else the built-in list. A plugin that only
// another one requires has no entry, and is looked for by the rest.
//
// A registry REG means REG/NAME, or REG with the name in the place of {name}
// if it has that. So does oci-layout:DIR: NAME's releases in the image layout
// in DIR are oci-layout:DIR/NAME.
func (m *Manifest) Locations(name, override string) []Location {
	p, _ := m.Plugin(name)
	switch {
	case p.Repository != "":
		return []Location{{Repository: p.Repository}}
	case p.Registry != nil:
		return join(p.Registry, name)
	case m.Registry != nil:
		return join(m.Registry, name)
	case override != "":
		return []Location{{Repository: override + "-" + name}}
	}
	locations := join(BuiltIn(), name)
	for i := range locations {
		locations[i].BuiltIn = true
	}
	return locations
}

// BuiltIn are the registries of a manifest that names none: where SchemaHero's
// documentation says that drivers are, and where they are, as Docker Hub has two
// segments only.
func BuiltIn() []string {
	return []string{"docker.io/schemahero/plugins/{name}", "docker.io/schemahero/plugin-{name}"}
}

func join(registries []string, name string) []Location {
	locations := make([]Location, len(registries))
	for i, r := range registries {
		locations[i].Repository = Join(r, name)
	}
	return locations
}

// Join returns the repository of a plugin in one registry: REGISTRY/NAME, or
// REGISTRY with the name in the place of {name}. A folder may end in a slash.
func Join(registry, name string) string {
	if strings.Contains(registry, nameTemplate) {
		return strings.ReplaceAll(registry, nameTemplate, name)
	}
	if strings.HasPrefix(registry, artifact.LayoutScheme) {
		registry = strings.TrimSuffix(registry, "/")
	}
	return registry + "/" + name
}

// CheckRegistry returns a *policy.ReferenceError where s cannot be the value of
// `registry`: HOST[:PORT][/PATH] without scheme, tag and digest, {name} allowed
// in the path; or oci-layout:DIR with a folder below the manifest's.
func CheckRegistry(s string) error {
	host, _, _ := strings.Cut(s, "/")
	plain := strings.ReplaceAll(s, nameTemplate, nameStandIn)
	switch {
	case strings.ContainsAny(strings.ReplaceAll(s, nameTemplate, ""), "{}"):
		return &policy.ReferenceError{Reference: s, Reason: "has braces in it: only {name} is known"}
	case strings.Contains(host, nameTemplate) && !strings.HasPrefix(s, artifact.LayoutScheme):
		return &policy.ReferenceError{Reference: s, Reason: "has {name} in its host: it can stand in the path"}
	}
	longest := strings.Repeat("x", artifact.MaxNameLength)
	return check(s, plain, Join(s, longest))
}

// CheckRepository returns a *policy.ReferenceError where s cannot be the value of
// `repository`: HOST[:PORT]/PATH without scheme, tag and digest, or
// oci-layout:DIR.
func CheckRepository(s string) error {
	if strings.ContainsAny(s, "{}") {
		return &policy.ReferenceError{Reference: s, Reason: "has braces in it: only a registry can be a template"}
	}
	return check(s, s, s)
}

// check says what is wrong with s: first the mistakes that people make, in plain,
// then whatever the lock would not take as the repository that s comes to.
func check(s, plain, repository string) error {
	reason := ""
	if dir, ok := strings.CutPrefix(plain, artifact.LayoutScheme); ok {
		reason = localProblem(dir)
	} else if bad := new(policy.ReferenceError); errors.As(policy.CheckReference(plain), &bad) {
		reason = bad.Reason
	}
	if bad := new(artifact.RepositoryError); reason == "" && errors.As(artifact.CheckRepository(repository), &bad) {
		reason = "is not a repository: " + bad.Reason
	}
	if reason == "" {
		return nil
	}
	return &policy.ReferenceError{Reference: s, Reason: strings.ReplaceAll(reason, nameStandIn, nameTemplate)}
}

func decodeRegistry(v *diag.Value) []string {
	items, ok := v.AsStringOrStrings()
	if ok && len(items) == 0 {
		v.Problem("is empty: leave it out for the built-in list")
	}
	var registries []string
	seen := map[string]bool{}
	for _, item := range items {
		if err := CheckRegistry(item.Text); err != nil {
			item.Problem("%v", err)
			continue
		}
		if seen[item.Text] {
			item.Problem("%q is in the list already", item.Text)
			continue
		}
		seen[item.Text] = true
		registries = append(registries, item.Text)
	}
	return registries
}

func decodeRepository(v *diag.Value) string {
	s, ok := v.AsString()
	if !ok {
		return ""
	}
	if err := CheckRepository(s); err != nil {
		v.Problem("%v", err)
	}
	return s
}

// NameIn guesses a driver's name from its repository: .../postgres and
// .../plugin-postgres are both postgres's.
func NameIn(repository string) string {
	last := repository[strings.LastIndex(repository, "/")+1:]
	for _, prefix := range []string{"schemahero-plugin-", "plugin-", "schemahero-"} {
		if rest, ok := strings.CutPrefix(last, prefix); ok && rest != "" {
			return rest
		}
	}
	return last
}
