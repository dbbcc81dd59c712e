package diag

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Quote returns s as a TOML basic string (TOML 1.0, "String"). Go's own quoting
// has escapes that TOML does not know.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case !strconv.IsPrint(r): // also bidirectional controls, which could make a diff read as what it is not
			if r > 0xffff {
				fmt.Fprintf(&b, `\U%08X`, r)
			} else {
				fmt.Fprintf(&b, `\u%04X`, r)
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// QuoteKey returns s as a TOML key, between quotes only if it needs them.
func QuoteKey(s string) string {
	if isBare(s) {
		return s
	}
	return Quote(s)
}

// The edits below return the source of the changed document and leave the
// document as it is. They keep every byte but those that have to change, and
// they do not check what they write: parse the result.

// Replace puts text in the place of a span.
func (d *Document) Replace(at Span, text string) []byte { return splice(d.Source, at, text) }

// SetString gives a value another string. If the old one is a string of one
// line, its quotes stay.
func (v *Value) SetString(s string) []byte {
	d := v.doc
	old := d.Source[v.Span.Start:v.Span.End]
	multiline := bytes.HasPrefix(old, []byte(`"""`)) || bytes.HasPrefix(old, []byte(`'''`))
	if v.Kind == String && !multiline && Quote(s) == `"`+s+`"` && !strings.Contains(s, "'") {
		return d.Replace(Span{v.Span.Start + 1, v.Span.End - 1}, s)
	}
	return d.Replace(v.Span, Quote(s))
}

// Append adds an item, in TOML's spelling, to a list within brackets.
func (v *Value) Append(item string) []byte {
	if len(v.Items) == 0 {
		at := v.Span.Start + 1
		return v.doc.Replace(Span{at, at}, item)
	}
	at := v.Items[len(v.Items)-1].Span.End
	return v.doc.Replace(Span{at, at}, ", "+item)
}

// Cut removes an item of a list within brackets, and one comma.
func (v *Value) Cut(item int) []byte { return cutItem(v.doc.Source, v.Items[item].Span) }

// InBraces reports whether the table is written as { … }.
func (t *Table) InBraces() bool { return t.by == byBraces }

// HasPlace reports whether a key can be inserted: not where the table is there
// only because another table's header names it.
func (t *Table) HasPlace() bool { return t.by != bySubkey }

// Insert adds a key, behind the table's last one, with a value in TOML's
// spelling. The table must have a place, and must not be an empty root.
func (t *Table) Insert(key, value string) []byte {
	d := t.doc
	text := QuoteKey(key) + " = " + value
	leaves := t.leaves()
	if len(leaves) == 0 {
		if t.by != byBraces {
			return insertLine(d.Source, t.header, text)
		}
		at := t.Span.Start + 1
		if text = " " + text; d.Source[at] == '}' {
			text += " "
		}
		return d.Replace(Span{at, at}, text)
	}
	if first := t.Entries[0]; t.by == byDots {
		text = string(d.Source[first.line.Start:first.KeySpan.Start]) + text
	}
	last := leaves[len(leaves)-1]
	if last.inline {
		return d.Replace(Span{last.line.End, last.line.End}, ", "+text)
	}
	return insertLine(d.Source, last.line, text)
}

// AppendTable adds the header of a table that has none, and its first key, to
// the end of the document.
func (d *Document) AppendTable(name, key, value string) []byte {
	nl := newline(d.Source)
	text := "[" + QuoteKey(name) + "]" + nl + QuoteKey(key) + " = " + value + nl
	if n := len(d.Source); n > 0 {
		text = nl + text
		if d.Source[n-1] != '\n' {
			text = nl + text
		}
	}
	return d.Replace(Span{len(d.Source), len(d.Source)}, text)
}

// Delete removes a key with its value: the lines that it stands in, the comment
// behind it included, or its place within braces.
func (t *Table) Delete(key string) []byte {
	var spans []Span
	inline := false
	if e := t.Entry(key); e != nil {
		for _, leaf := range e.leaves(true) {
			spans = append(spans, leaf.line)
			inline = inline || leaf.inline
		}
	}
	source := t.doc.Source
	for _, s := range slices.Backward(spans) {
		if inline {
			source = cutItem(source, s)
		} else {
			source = cutLines(source, s)
		}
	}
	return source
}

// leaf is an expression of the source: a.b = 1, or a header.
type leaf struct {
	line   Span
	inline bool
}

// leaves returns, in the order of the source, the expressions that stand in the
// table's own part of it: not those of tables with headers of their own.
func (t *Table) leaves() []leaf {
	var all []leaf
	for _, e := range t.Entries {
		all = append(all, e.leaves(false)...)
	}
	return sortLeaves(all)
}

func (e *Entry) leaves(headers bool) []leaf {
	var tables []*Table
	switch v := e.Value; {
	case v.open:
		for _, item := range v.Items {
			tables = append(tables, item.Table)
		}
	case v.Table != nil && v.Table.by != byBraces:
		tables = append(tables, v.Table)
	default:
		return []leaf{{e.line, e.inline}}
	}
	var all []leaf
	for _, t := range tables {
		if t.by != byDots && !headers {
			continue
		}
		if t.header.End > 0 {
			all = append(all, leaf{line: t.header})
		}
		for _, e := range t.Entries {
			all = append(all, e.leaves(headers)...)
		}
	}
	return sortLeaves(all)
}

func sortLeaves(all []leaf) []leaf {
	slices.SortFunc(all, func(a, b leaf) int { return a.line.Start - b.line.Start })
	return all
}

func splice(source []byte, at Span, text string) []byte {
	return slices.Concat(source[:at.Start], []byte(text), source[at.End:])
}

// newline returns the line end that the document uses first.
func newline(source []byte) string {
	if i := bytes.IndexByte(source, '\n'); i > 0 && source[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// lines returns the whole lines that a span touches, their line ends included.
func lines(source []byte, s Span) Span {
	out := Span{bytes.LastIndexByte(source[:s.Start], '\n') + 1, len(source)}
	if i := bytes.IndexByte(source[s.End:], '\n'); i >= 0 {
		out.End = s.End + i + 1
	}
	return out
}

// insertLine adds a line below the expression in a span, as deep as that.
func insertLine(source []byte, below Span, text string) []byte {
	whole := lines(source, below)
	line := source[whole.Start:whole.End]
	indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
	text = string(indent) + text
	nl := newline(line)
	if !bytes.HasSuffix(line, []byte("\n")) { // the end of a file without a last newline
		text = newline(source) + text
	} else {
		text += nl
	}
	return splice(source, Span{whole.End, whole.End}, text)
}

// cutLines removes the lines of the expression in a span.
func cutLines(source []byte, s Span) []byte {
	whole := lines(source, s)
	if whole.End == len(source) && !bytes.HasSuffix(source, []byte("\n")) {
		// The file has no last newline and keeps none.
		whole.Start = len(bytes.TrimSuffix(bytes.TrimSuffix(source[:whole.Start], []byte("\n")), []byte("\r")))
	}
	return splice(source, whole, "")
}

// cutItem removes a key with its value from within braces, and one comma.
func cutItem(source []byte, s Span) []byte {
	const blank = " \t\r\n"
	rest := bytes.TrimLeft(source[s.End:], blank)
	if bytes.HasPrefix(rest, []byte(",")) {
		rest = bytes.TrimLeft(rest[1:], " \t")
		return splice(source, Span{s.Start, len(source) - len(rest)}, "")
	}
	before := bytes.TrimRight(source[:s.Start], blank)
	if bytes.HasSuffix(before, []byte(",")) {
		s.Start = len(before) - 1
	}
	return splice(source, s, "")
}
