package manifest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Edit is what to write about one plugin. An empty field says nothing: it leaves
// alone what the manifest has.
type Edit struct {
	Name       string
	Version    string // a constraint; "*" is written for a new plugin without one
	Registry   string
	Repository string
	Aliases    []string // added to those that there are
}

// EditError says why an edit is not possible.
type EditError struct {
	File    string
	Name    string // the plugin's
	Problem string
}

func (e *EditError) Error() string    { return fmt.Sprintf("%s: %s: %s", e.File, e.Name, e.Problem) }
func (e *EditError) Kind() fault.Kind { return fault.Usage }

// NotListedError says that a plugin to remove is not in the manifest.
type NotListedError struct {
	File string
	Name string
}

func (e *NotListedError) Error() string {
	return fmt.Sprintf("%s: %s: is not in [plugins]", e.File, e.Name)
}

func (e *NotListedError) Kind() fault.Kind { return fault.Usage }

// Set returns the text of a manifest with the edit made: a new plugin is a line
// behind the last one of [plugins], which is added if it is missing; of one
// that is there, only the value in question changes. Every other byte stays.
// The error is a *diag.Error if the manifest is not valid, and an *EditError
// where it would not be afterwards.
func Set(file string, data []byte, e Edit) ([]byte, error) {
	before, err := Parse(file, data)
	if err != nil {
		return nil, err
	}
	if err := e.check(file); err != nil {
		return nil, err
	}
	out := data
	if _, listed := before.Plugin(e.Name); !listed {
		out = addPlugin(file, out, e)
	} else {
		for _, change := range e.changes() {
			out = change.apply(file, out, e.Name)
		}
	}
	return before.checkEdit(file, out, e.Name, e.applied(before.Plugins))
}

// Remove returns the text of a manifest without a plugin: without the lines that
// its entry stands in. The error is a *diag.Error, a *NotListedError or, where
// the entry stands so that it cannot be cut out, an *EditError.
func Remove(file string, data []byte, name string) ([]byte, error) {
	before, err := Parse(file, data)
	if err != nil {
		return nil, err
	}
	if _, listed := before.Plugin(name); !listed {
		return nil, &NotListedError{file, name}
	}
	out := diag.ParseTOML(file, data).Root.Get("plugins").Table.Delete(name)
	want := slices.DeleteFunc(slices.Clone(before.Plugins), func(p Plugin) bool { return p.Name == name })
	return before.checkEdit(file, out, name, want)
}

// check refuses what could not stand in any manifest.
func (e Edit) check(file string) error {
	err := CheckName(e.Name)
	if err == nil && e.Version != "" {
		_, err = ParseConstraint(e.Version)
	}
	if err == nil && e.Registry != "" {
		err = CheckRegistry(e.Registry)
	}
	if err == nil && e.Repository != "" {
		err = CheckRepository(e.Repository)
	}
	if err != nil {
		return &EditError{file, e.Name, err.Error()}
	}
	return nil
}

// changes are the keys to set in an entry that is there.
func (e Edit) changes() []change {
	var all []change
	for _, c := range []change{{key: "version", text: e.Version}, {key: "registry", text: e.Registry}, {key: "repository", text: e.Repository}} {
		if c.text != "" {
			all = append(all, c)
		}
	}
	for _, a := range e.Aliases {
		all = append(all, change{key: "aliases", text: a, list: true})
	}
	return all
}

// change sets a key to a string, or adds a string to its list.
type change struct {
	key, text string
	list      bool
}

func (c change) value() string {
	if c.list {
		return "[" + diag.Quote(c.text) + "]"
	}
	return diag.Quote(c.text)
}

func (c change) apply(file string, data []byte, name string) []byte {
	doc := diag.ParseTOML(file, data)
	entry := doc.Root.Get("plugins").Table.Get(name)
	if entry.Kind == diag.String {
		if c.key == "version" {
			return entry.SetString(c.text)
		}
		return doc.Replace(entry.Span, "{ version = "+string(data[entry.Span.Start:entry.Span.End])+", "+c.key+" = "+c.value()+" }")
	}
	v := entry.Table.Get(c.key)
	switch {
	case v == nil:
		return entry.Table.Insert(c.key, c.value())
	case !c.list && v.Kind == diag.String:
		return v.SetString(c.text)
	case !c.list:
		return doc.Replace(v.Span, c.value())
	case slices.ContainsFunc(v.Items, func(item *diag.Value) bool { return item.Text == c.text }):
		return data
	}
	return v.Append(diag.Quote(c.text))
}

// addPlugin writes a new entry.
func addPlugin(file string, data []byte, e Edit) []byte {
	if e.Version == "" {
		e.Version = "*"
	}
	value := diag.Quote(e.Version)
	if e.Registry != "" || e.Repository != "" || len(e.Aliases) > 0 {
		var keys []string
		for _, c := range e.changes() {
			if !c.list {
				keys = append(keys, c.key+" = "+c.value())
			}
		}
		if len(e.Aliases) > 0 {
			quoted := make([]string, len(e.Aliases))
			for i, a := range e.Aliases {
				quoted[i] = diag.Quote(a)
			}
			keys = append(keys, "aliases = ["+strings.Join(quoted, ", ")+"]")
		}
		value = "{ " + strings.Join(keys, ", ") + " }"
	}
	doc := diag.ParseTOML(file, data)
	if v := doc.Root.Get("plugins"); v != nil && v.Table.HasPlace() {
		return v.Table.Insert(e.Name, value)
	}
	return doc.AppendTable("plugins", e.Name, value)
}

// applied returns the plugins as they are to be after the edit.
func (e Edit) applied(plugins []Plugin) []Plugin {
	plugins = slices.Clone(plugins)
	at := slices.IndexFunc(plugins, func(p Plugin) bool { return p.Name == e.Name })
	if at < 0 {
		at = len(plugins)
		plugins = append(plugins, Plugin{Name: e.Name, Version: "*"})
	}
	p := &plugins[at]
	if e.Version != "" {
		p.Version, p.constraint = e.Version, nil
	}
	if e.Registry != "" {
		p.Registry = []string{e.Registry}
	}
	if e.Repository != "" {
		p.Repository = e.Repository
	}
	p.Aliases = slices.Clone(p.Aliases)
	for _, a := range e.Aliases {
		if !slices.Contains(p.Aliases, a) {
			p.Aliases = append(p.Aliases, a)
		}
	}
	return plugins
}

// checkEdit returns the edited text after reading it again: it must be valid and
// differ from the manifest in nothing but its plugins, which must be the wanted
// ones. Whatever an edit did not foresee ends here and not in a file.
func (m *Manifest) checkEdit(file string, data []byte, name string, want []Plugin) ([]byte, error) {
	after, err := Parse(file, data)
	if invalid := new(diag.Error); errors.As(err, &invalid) {
		return nil, &EditError{file, name, invalid.Texts()}
	}
	wanted := *m
	wanted.Plugins = want
	if !reflect.DeepEqual(essence(*after), essence(wanted)) {
		return nil, &EditError{file, name, "its entry is written in a way that only a person can edit"}
	}
	return data, nil
}

// essence drops what an edit moves or what is said twice.
func essence(m Manifest) Manifest {
	m.dir, m.SchemaHeroPos = nil, diag.Position{}
	m.Plugins = slices.Clone(m.Plugins)
	for i := range m.Plugins {
		p := &m.Plugins[i]
		p.Pos, p.constraint = diag.Position{}, nil
		if len(p.Aliases) == 0 {
			p.Aliases = nil
		}
	}
	slices.SortFunc(m.Plugins, func(a, b Plugin) int { return strings.Compare(a.Name, b.Name) })
	if len(m.Plugins) == 0 {
		m.Plugins = nil
	}
	m.Trust.Rules = slices.Clone(m.Trust.Rules)
	for i := range m.Trust.Rules {
		m.Trust.Rules[i].Pos = diag.Position{}
	}
	return m
}

// KeepPlaces gives what an edit left alone the place that it has in the manifest
// before the edit, which is the one that people can look at, and none to the
// entries that the edit wrote.
func (m *Manifest) KeepPlaces(before *Manifest) {
	m.SchemaHeroPos, m.Trust, m.dir = before.SchemaHeroPos, before.Trust, before.dir
	for i := range m.Plugins {
		p := &m.Plugins[i]
		old, _ := before.Plugin(p.Name)
		p.Pos = diag.Position{}
		if old.Version == p.Version && old.Tag == p.Tag && old.Digest == p.Digest {
			p.Pos = old.Pos
		}
	}
}
