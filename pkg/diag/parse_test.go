package diag

import (
	"testing"

	"github.com/pelletier/go-toml/v2"
)

func FuzzParseTOML(f *testing.F) {
	for _, s := range documents() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { agree(t, data) })
}

// agree holds ParseTOML against go-toml's own decoder: the two accept the same
// documents, but for dates and numbers, whose values only the decoder reads.
func agree(t *testing.T, data []byte) {
	t.Helper()
	doc := ParseTOML("f.toml", data)
	err := doc.Err()
	walk(t, doc, doc.Root)
	var into map[string]any
	theirs := toml.Unmarshal(data, &into)
	if err == nil && theirs != nil && !hasLooseValues(doc.Root) {
		t.Errorf("accepted, but go-toml says: %v\n%q", theirs, data)
	}
	if err != nil && theirs == nil {
		t.Errorf("go-toml accepts this: %v\n%q", err, data)
	}
}

// walk fails where a span lies outside of what it belongs to.
func walk(t *testing.T, doc *Document, table *Table) {
	t.Helper()
	for _, e := range table.Entries {
		check(t, doc, e.KeySpan)
		walkValue(t, doc, e.Value)
	}
}

func walkValue(t *testing.T, doc *Document, v *Value) {
	t.Helper()
	check(t, doc, v.Span)
	text := string(doc.Source[v.Span.Start:v.Span.End])
	switch {
	case v.Kind == Array && !v.open && (text[0] != '[' || text[len(text)-1] != ']'),
		v.Kind == TableKind && v.Table.by == byBraces && (text[0] != '{' || text[len(text)-1] != '}'):
		t.Errorf("%s: %q is not a %v", v.Name, text, v.Kind)
	}
	for _, item := range v.Items {
		walkValue(t, doc, item)
	}
	if v.Table != nil {
		walk(t, doc, v.Table)
	}
}

func check(t *testing.T, doc *Document, s Span) {
	t.Helper()
	if s.Start < 0 || s.End <= s.Start || s.End > len(doc.Source) {
		t.Errorf("span %v of a document of %d bytes", s, len(doc.Source))
	}
}

func hasLooseValues(table *Table) bool {
	for _, e := range table.Entries {
		if isLoose(e.Value) {
			return true
		}
	}
	return false
}

func isLoose(v *Value) bool {
	switch v.Kind {
	case Integer, Float, Date:
		return true
	}
	for _, item := range v.Items {
		if isLoose(item) {
			return true
		}
	}
	return v.Table != nil && hasLooseValues(v.Table)
}

func documents() []string {
	return []string{
		"", "a = 1", "a = 1\na = 2\n", "[a]\n[a]\n", "[a.b]\n[a]\nc = 1\n", "[a]\nb.c = 1\n[a.b]\n",
		"[a]\nb.c = 1\n[a.b.d]\nx = true\n", "a = []\n[[a]]\n", "[[a]]\n[a]\n", "[a]\n[[a]]\n", "[[a]]\nx = 1\n[[a]]\nx = 1\n[a.b]\n",
		"a = { b = 1 }\n[a.c]\n", "a = { b = 1 }\na.c = 2\n", "a.b = 1\na.c = 2\n[a]\n", "[a.b.c]\n[a]\nb.d = 1\n",
		"a = [ # one ]\n 'x', [ ['y'], ], { b = \"}\", }, # } two\n]\n", "a = { b.c = 1, b.d = { } }\n", "a = { b = 1, b = 2 }\n",
		"a = \"\"\"\nx\n\"\"\"\r\nb = '''y'''\n", "\"a b\".'c' = 'd'\n", "a = \"unterminated\nb = 1\n", "a = [\n'x'\n[b]\nc = 1\n", "= 1\n[\n[a\n]b]\n[b]\n",
		"a = 1979-05-27T07:32:00Z\n", "a = inf\nb = -nan\n", "\r", "a = 1 # x\x00\n", "a = \"\\u0000\\x1b\"\n", "[a]\nb = 1\n[a.b]\n[a.b.c]\n", "[[a.b]]\n[a]\n[a.b.c]\n", "[[a.b]]\nc = 1\n[[a.b.c]]\n",
	}
}

func TestAgreesWithDecoder(t *testing.T) {
	for _, s := range documents() {
		agree(t, []byte(s))
	}
}
