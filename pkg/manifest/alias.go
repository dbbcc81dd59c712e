package manifest

import (
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

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
