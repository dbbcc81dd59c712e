package diag

import (
	"strconv"
)

// Kind is the type of a value.
type Kind int

// The types of TOML. The four sorts of dates are one here: no file of ours has
// any.
const (
	String Kind = iota
	Integer
	Float
	Boolean
	Date
	Array
	TableKind
)

// String names the kind with its article, as messages do.
func (k Kind) String() string {
	return [...]string{"a string", "an integer", "a number with a fraction", "a boolean", "a date or time", "a list", "a table"}[k]
}

// Value is what stands behind a key or in a list. The As… methods of a nil
// *Value, which Get returns for a key that is not there, report nothing and
// return ok == false.
type Value struct {
	Kind  Kind
	Text  string   // a string's content; how a number, boolean or date is written
	Items []*Value // an array's
	Table *Table   // a table's
	Span  Span     // with quotes and brackets; for a table under a header, the header's last key
	Name  string   // the key that it stands behind, for messages

	doc  *Document
	open bool // an array to which another [[header]] adds
}

// Problem adds a problem at the value, with its name as the subject: "dir: …".
func (v *Value) Problem(format string, args ...any) {
	v.doc.Problem(v.Span, "%s: "+format, append([]any{v.Name}, args...)...)
}

// Document returns the document that the value is of.
func (v *Value) Document() *Document { return v.doc }

// Position returns where the value begins.
func (v *Value) Position() Position { return v.doc.Position(v.Span.Start) }

// Line returns the line in which the value begins.
func (v *Value) Line() int { return v.doc.Line(v.Span.Start) }

// AsString returns a string's content; anything else is a problem.
func (v *Value) AsString() (s string, ok bool) {
	if !v.want(String, "a string") {
		return "", false
	}
	return v.Text, true
}

// AsInt returns an integer; anything else, and one that needs more than 64
// bits, is a problem.
func (v *Value) AsInt() (n int64, ok bool) {
	if !v.want(Integer, "an integer") {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Text, 0, 64)
	if err != nil {
		v.Problem("%s is out of range", v.Text)
	}
	return n, err == nil
}

// AsBool returns a boolean; anything else is a problem.
func (v *Value) AsBool() (b, ok bool) {
	if !v.want(Boolean, "true or false") {
		return false, false
	}
	return v.Text == "true", true
}

// AsStrings returns the items of a list that are strings; any other item, and
// any other value, is a problem.
func (v *Value) AsStrings() (items []*Value, ok bool) {
	if !v.want(Array, "a list of strings") {
		return nil, false
	}
	ok = true
	for _, item := range v.Items {
		if _, isString := item.AsString(); isString {
			items = append(items, item)
		} else {
			ok = false
		}
	}
	return items, ok
}

// AsStringOrStrings is AsStrings for a value that may be a single string too.
func (v *Value) AsStringOrStrings() (items []*Value, ok bool) {
	switch {
	case v == nil:
		return nil, false
	case v.Kind == String:
		return []*Value{v}, true
	case v.Kind == Array:
		return v.AsStrings()
	}
	return nil, v.want(Array, "a string or a list of strings")
}

// AsTable returns a table; anything else is a problem.
func (v *Value) AsTable() (t *Table, ok bool) {
	if !v.want(TableKind, "a table") {
		return nil, false
	}
	return v.Table, true
}

// AsTables returns the tables of a list ([[name]] or inline); any other item,
// and any other value, is a problem.
func (v *Value) AsTables() []*Table {
	if v == nil {
		return nil
	}
	if v.Kind == TableKind && v.Table.by == byHeader {
		v.Problem("is a list of tables: write [[%s]]", v.Name)
		return nil
	}
	if !v.want(Array, "a list of tables") {
		return nil
	}
	var tables []*Table
	for _, item := range v.Items {
		if t, ok := item.AsTable(); ok {
			tables = append(tables, t)
		}
	}
	return tables
}

func (v *Value) want(kind Kind, what string) bool {
	if v == nil {
		return false
	}
	if v.Kind == kind {
		return true
	}
	if kind == String && v.Kind < Array {
		v.Problem("must be a string, not %s: write %q", v.Kind, v.Text)
	} else {
		v.Problem("must be %s, not %s", what, v.Kind)
	}
	return false
}
