package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	digest "github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

func (m *Manifest) decodePlugins(t *diag.Table) {
	aliases, read := map[string]*diag.Value{}, constraints{}
	m.Plugins = slices.Grow(m.Plugins, len(t.Entries))
	for _, e := range t.Entries {
		if bad := new(artifact.NameError); errors.As(CheckName(e.Key), &bad) {
			e.Problem("%s", bad.Reason)
		}
		p := Plugin{Name: e.Key}
		switch v := e.Value; v.Kind {
		case diag.String:
			p.decodeVersion(v, read)
		case diag.TableKind:
			p.decodeTable(v.Table, read)
		case diag.Integer, diag.Float:
			v.Problem("must be a version constraint or a table, not %s: write %q", v.Kind, v.Text)
		default:
			v.Problem("must be a version constraint or a table, not %s", v.Kind)
		}
		if e.Value.Kind == diag.TableKind {
			p.Aliases = decodeAliases(e.Value.Table.Get("aliases"), t, e.Key, aliases)
		}
		m.Plugins = append(m.Plugins, p)
	}
}

// CheckName returns an *artifact.NameError where name cannot stand in
// [plugins]: artifact.CheckName does not allow it, or it is an engine that a
// driver of another name serves, or the host's.
func CheckName(name string) error {
	if err := artifact.CheckName(name); err != nil {
		return err
	}
	driver, isEngine := artifact.DriverOf(name)
	switch {
	case name == "schemahero":
		return &artifact.NameError{Name: name, Reason: `is the host, no driver: its version is the value of the key schemahero above [plugins]`}
	case isEngine && artifact.HostLooksFor(name):
		return &artifact.NameError{Name: name, Reason: fmt.Sprintf(`is an engine that the driver %s serves: write %s = { version = "...", aliases = [%q] }`, driver, driver, name)}
	case isEngine:
		return &artifact.NameError{Name: name, Reason: fmt.Sprintf("is an engine that the driver %s serves: write %s", driver, driver)}
	}
	return nil
}

func (p *Plugin) decodeTable(t *diag.Table, read constraints) {
	t.Only("version", "tag", "digest", "registry", "repository", "prerelease", "minimum-age", "aliases")
	which := only(t, "version", "tag", "digest")
	switch {
	case which == "":
		t.Missing("%s: needs a version, a tag or a digest", p.Name)
	case which != "version":
		if e := t.Entry("prerelease"); e != nil {
			e.Problem("says nothing beside %s: it widens a version constraint", which)
		}
	}
	if e := t.Entry("minimum-age"); e != nil && which == "digest" {
		e.Problem("says nothing beside digest: that names one release, however young")
	}
	only(t, "repository", "registry")
	if v := t.Get("version"); v != nil {
		p.decodeVersion(v, read)
	}
	if s, ok := t.Get("tag").AsString(); ok {
		v := t.Get("tag")
		p.Tag, p.Pos = s, v.Position()
		if !artifact.IsTag(s) {
			v.Problem("%q is not a tag: a tag has at most 128 letters, digits, _, . and -", s)
		}
	}
	if s, ok := t.Get("digest").AsString(); ok {
		v := t.Get("digest")
		p.Digest, p.Pos = digest.Digest(s), v.Position()
		if !artifact.IsDigest(s) {
			v.Problem("%q is not a digest: write sha256: and 64 hexadecimal digits in lower case", s)
		}
	}
	p.Registry = decodeRegistry(t.Get("registry"))
	p.Repository = decodeRepository(t.Get("repository"))
	if b, ok := t.Get("prerelease").AsBool(); ok {
		p.Prerelease = b
	}
	if age, ok := decodeAge(t.Get("minimum-age")); ok {
		p.MinimumAge = &age
	}
}

// only returns the first of the keys that the table has; each other one of them
// is a problem.
func only(t *diag.Table, keys ...string) (first string) {
	for _, key := range keys {
		e := t.Entry(key)
		switch {
		case e == nil:
		case first == "":
			first = key
		default:
			e.Problem("excludes %s: write one of them", first)
		}
	}
	return first
}

// constraints are those that were read, by their text: that takes longer than the rest
// of an entry, and most entries of a manifest have the same few.
type constraints map[string]*artifact.Constraint

func (p *Plugin) decodeVersion(v *diag.Value, read constraints) {
	s, ok := v.AsString()
	if !ok {
		return
	}
	if read[s] == nil {
		c, err := ParseConstraint(s)
		if err != nil {
			v.Problem("%v", err)
			return
		}
		read[s] = c
	}
	p.Version, p.Pos, p.constraint = s, v.Position(), read[s]
}

// ConstraintError says why a string is not a version constraint.
type ConstraintError struct {
	Constraint string
	Reason     string
}

func (e *ConstraintError) Error() string    { return fmt.Sprintf("%q %s", e.Constraint, e.Reason) }
func (e *ConstraintError) Kind() fault.Kind { return fault.Usage }

// maxConstraint is the longest constraint; no person writes such a long one.
const maxConstraint = 256

// ParseConstraint is artifact.ParseConstraint with a *ConstraintError for what
// people write in place of a constraint.
func ParseConstraint(s string) (*artifact.Constraint, error) {
	switch {
	case strings.TrimSpace(s) == "":
		return nil, &ConstraintError{s, `is empty: write "*" for the newest version`}
	case len(s) > maxConstraint:
		return nil, &ConstraintError{s[:16] + "…", fmt.Sprintf("has %d characters, at most %d are allowed", len(s), maxConstraint)}
	case strings.TrimSpace(s) == "latest":
		return nil, &ConstraintError{s, `is not a constraint: it is a floating tag`}
	}
	c, err := artifact.ParseConstraint(s)
	if err != nil {
		return nil, &ConstraintError{s, `is not a version constraint: write one like "^0.1" or ">=1, <3"`}
	}
	return c, nil
}

// decodeAliases reads the aliases of one plugin; seen has those of the plugins
// before it.
func decodeAliases(v *diag.Value, plugins *diag.Table, plugin string, seen map[string]*diag.Value) []string {
	items, _ := v.AsStrings()
	var aliases []string
	for _, item := range items {
		alias := item.Text
		if err := artifact.CheckName(alias); err != nil {
			item.Problem("%v", err)
			continue
		}
		switch other := plugins.Entry(alias); {
		case alias == plugin:
			item.Problem("%q is the driver's own name", alias)
		case other != nil:
			item.Problem("%q is a driver already, in line %d", alias, item.Document().Line(other.KeySpan.Start))
		case seen[alias] != nil:
			item.Problem("%q is named twice, first in line %d", alias, seen[alias].Line())
		default:
			seen[alias] = item
			aliases = append(aliases, alias)
		}
	}
	return aliases
}

// RemoveAlias returns the text of a manifest in which a plugin has one alias
// less. Without any it has no `aliases`, and where only the version is left in
// its braces, it is written as Set writes a new one: what an Edit with an alias
// did to an entry is undone byte for byte. Errors: those of Remove.
func RemoveAlias(file string, data []byte, name, alias string) ([]byte, error) {
	before, err := Parse(file, data)
	if err != nil {
		return nil, err
	}
	p, listed := before.Plugin(name)
	if !listed || !slices.Contains(p.Aliases, alias) {
		return nil, &NotListedError{file, alias}
	}
	out := withoutAlias(entryOf(file, data, name), alias)
	if entry := entryOf(file, out, name); entry != nil && entry.Table != nil && entry.Table.InBraces() && len(entry.Table.Entries) == 1 {
		if v := entry.Table.Get("version"); v != nil && v.Kind == diag.String {
			out = diag.ParseTOML(file, out).Replace(entry.Span, string(out[v.Span.Start:v.Span.End]))
		}
	}
	want := slices.Clone(before.Plugins)
	at := slices.IndexFunc(want, func(p Plugin) bool { return p.Name == name })
	want[at].Aliases = slices.DeleteFunc(slices.Clone(p.Aliases), func(a string) bool { return a == alias })
	return before.checkEdit(file, out, name, want)
}

func entryOf(file string, data []byte, name string) *diag.Value {
	plugins := diag.ParseTOML(file, data).Root.Get("plugins")
	if plugins == nil || plugins.Table == nil {
		return nil
	}
	return plugins.Table.Get(name)
}

func withoutAlias(entry *diag.Value, alias string) []byte {
	list := entry.Table.Get("aliases")
	if len(list.Items) == 1 {
		return entry.Table.Delete("aliases")
	}
	return list.Cut(slices.IndexFunc(list.Items, func(item *diag.Value) bool { return item.Text == alias }))
}
