package diag

import (
	"bytes"

	"github.com/pelletier/go-toml/v2/unstable"
)

// keyValue adds a.b = value to a table.
func (p *parser) keyValue(t *Table, node *unstable.Node, inline bool) (end int) {
	line := p.span(node.Raw)
	keys := node.Key()
	for t != nil && keys.Next() {
		if key := keys.Node(); !keys.IsLast() {
			t = p.dotted(t, key, line, inline)
			continue
		}
		key := keys.Node()
		e := &Entry{Key: string(key.Data), KeySpan: p.span(key.Raw), line: line, inline: inline}
		e.Value = p.value(node.Value(), e.Key, e.KeySpan.End)
		if first := t.Entry(e.Key); first != nil {
			p.twice(first, e.KeySpan)
		} else {
			t.add(e)
		}
	}
	return line.End
}

// dotted returns the table of a in a.b = 1, and makes it if it is the first
// time. Only such keys may add to it.
func (p *parser) dotted(t *Table, key *unstable.Node, line Span, inline bool) *Table {
	if e := t.Entry(string(key.Data)); e != nil {
		if e.Value.Kind == TableKind && e.Value.Table.by == byDots {
			return e.Value.Table
		}
		p.twice(e, p.span(key.Raw))
		return nil
	}
	e := p.newTable(t, key, byDots)
	e.line, e.inline = line, inline
	return e.Value.Table
}

func (p *parser) twice(first *Entry, again Span) {
	p.doc.Problem(again, "%s: defined twice, first in line %d", QuoteKey(first.Key), p.doc.Line(first.KeySpan.Start))
}

func (p *parser) newTable(parent *Table, key *unstable.Node, by origin) *Entry {
	name, at := string(key.Data), p.span(key.Raw)
	t := &Table{doc: p.doc, Name: name, Span: at, by: by}
	v := &Value{Kind: TableKind, Table: t, Span: at, Name: name, doc: p.doc}
	e := &Entry{Key: name, KeySpan: at, Value: v}
	parent.add(e)
	return e
}

// header enters the table of [a.b] or [[a.b]] and returns where the header ends.
func (p *parser) header(node *unstable.Node) (end int) {
	source := p.doc.Source
	isArray := node.Kind == unstable.ArrayTable
	var t *Table
	var span Span
	parent := p.doc.Root
	keys := node.Key()
	for first := true; keys.Next(); first = false {
		key := keys.Node()
		at := p.span(key.Raw)
		if first {
			span.Start = bytes.LastIndexByte(source[:at.Start], '[')
			if isArray {
				span.Start--
			}
		}
		span.End = at.End
		switch {
		case parent == nil:
		case !keys.IsLast():
			parent = p.descend(parent, key)
		case isArray:
			t = p.element(parent, key)
		default:
			t = p.define(parent, key)
		}
	}
	span.End += bytes.IndexByte(source[span.End:], ']') + 1
	if isArray {
		span.End++
	}
	if t == nil { // reported; its keys are read all the same, for their syntax
		t = &Table{doc: p.doc}
	}
	if t.header.End == 0 {
		t.header = span
	}
	p.in = t
	return span.End
}

// descend returns the table of a in [a.b].
func (p *parser) descend(parent *Table, key *unstable.Node) *Table {
	e := parent.Entry(string(key.Data))
	switch {
	case e == nil:
		return p.newTable(parent, key, bySubkey).Value.Table
	case e.Value.Kind == TableKind && e.Value.Table.by != byBraces:
		return e.Value.Table
	case e.Value.open:
		return e.Value.Items[len(e.Value.Items)-1].Table
	}
	p.twice(e, p.span(key.Raw))
	return nil
}

// define returns the table of b in [a.b].
func (p *parser) define(parent *Table, key *unstable.Node) *Table {
	e := parent.Entry(string(key.Data))
	if e == nil {
		return p.newTable(parent, key, byHeader).Value.Table
	}
	if v := e.Value; v.Kind == TableKind && v.Table.by == bySubkey {
		at := p.span(key.Raw)
		e.KeySpan, v.Span, v.Table.Span = at, at, at
		v.Table.by = byHeader
		return v.Table
	}
	p.twice(e, p.span(key.Raw))
	if e.Value.Kind == TableKind {
		return e.Value.Table // the table goes on, as whoever wrote it twice meant
	}
	return nil
}

// element returns a new table of b in [[a.b]].
func (p *parser) element(parent *Table, key *unstable.Node) *Table {
	name, at := string(key.Data), p.span(key.Raw)
	e := parent.Entry(name)
	if e == nil {
		e = &Entry{Key: name, KeySpan: at, Value: &Value{Kind: Array, Span: at, Name: name, doc: p.doc, open: true}}
		parent.add(e)
	}
	if !e.Value.open {
		p.twice(e, at)
		return nil
	}
	t := &Table{doc: p.doc, Name: name, Span: at, by: byElement}
	e.Value.Items = append(e.Value.Items, &Value{Kind: TableKind, Table: t, Span: at, Name: name, doc: p.doc})
	return t
}

// value reads the value that stands at or behind an offset.
func (p *parser) value(node *unstable.Node, name string, from int) *Value {
	v := &Value{Name: name, Span: p.span(node.Raw), doc: p.doc}
	switch node.Kind {
	case unstable.Array:
		v.Kind = Array
		v.Span.Start = p.seek(from, '[')
		from = v.Span.Start + 1
		for it := node.Children(); it.Next(); {
			item := p.value(it.Node(), name, from)
			from = item.Span.End
			v.Items = append(v.Items, item)
		}
		v.Span.End = p.seek(from, ']') + 1
	case unstable.InlineTable:
		v.Kind = TableKind
		v.Table = &Table{doc: p.doc, Name: name, by: byBraces}
		from = v.Span.Start + 1
		for it := node.Children(); it.Next(); {
			from = p.keyValue(v.Table, it.Node(), true)
		}
		v.Span.End = p.seek(from, '}') + 1
		v.Table.Span = v.Span
	case unstable.String:
		v.Kind, v.Text = String, string(node.Data)
	case unstable.Bool:
		v.Kind, v.Text = Boolean, string(node.Data)
	case unstable.Integer:
		v.Kind, v.Text = Integer, string(node.Data)
	case unstable.Float:
		v.Kind, v.Text = Float, string(node.Data)
	default:
		v.Kind, v.Text = Date, string(node.Data)
	}
	return v
}

// seek finds a bracket behind which, or before which, nothing stands but blanks,
// commas, an equals sign and comments: what go-toml keeps no place of.
func (p *parser) seek(from int, bracket byte) int {
	source := p.doc.Source
	for i := from; i < len(source); i++ {
		switch source[i] {
		case bracket:
			return i
		case '#':
			if end := bytes.IndexByte(source[i:], '\n'); end >= 0 {
				i += end
			}
		}
	}
	return len(source) - 1
}
