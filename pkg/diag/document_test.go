package diag

import (
	"fmt"
	"strings"
	"testing"
)

// problems parses a text, lets read ask for values, and returns the error with
// the file's name cut off.
func problems(text string, read func(*Table)) string {
	doc := ParseTOML("f", []byte(text))
	if read != nil {
		read(doc.Root)
	}
	if err := doc.Err(); err != nil {
		return strings.ReplaceAll(err.Error(), "f:", "")
	}
	return ""
}

func TestSyntaxErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"all at once", "a = \nb = 1\nc = [1,,2]\nd 5\n",
			"1:5: invalid TOML: unexpected character U+000A at start of value\n3:8: invalid TOML: expected value but got U+002C ','\n4:3: invalid TOML: expected '=' after key"},
		{"twice", "a = 1\na = 2\n", "2:1: a: defined twice, first in line 1"},
		{"twice in braces", "x = { a = 1, a.b = 2 }", "1:14: a: defined twice, first in line 1"},
		{"table twice, still read", "[t]\na = 1\n[t]\na = 2\n", "3:2: t: defined twice, first in line 1\n4:1: a: defined twice, first in line 2"},
		{"list that is not open", "a = []\n[[a]]\nb = 1\n", "2:3: a: defined twice, first in line 1"},
		{"below a string", "a = \"\"\n[a.b]\nc = 1\n", "2:2: a: defined twice, first in line 1"},
		{"end of the file", "a = [1,\n", "1:8: invalid TOML: array is incomplete"},
		{"string of several lines", "a = \"\"\"\nb = 1\n", "2:6: invalid TOML: multiline basic string not terminated by \"\"\""},
		{"path of Windows", "a = \"C:\\certs\"\nb = \"C:\\Users\"\n", "1:8: invalid TOML: invalid escape character U+0063 'c'; in double quotes a backslash is written \\\\\n2:8: invalid TOML: unicode escape sequence is too short; in double quotes a backslash is written \\\\"},
		{"bracket left open", "a = [\n  'x'\n\nb = 1\nb = 2\n", "4:1: invalid TOML: expected ',' or ']' after array value\n5:1: b: defined twice, first in line 4"},
		{"items are no new beginning", "a = [\n  'x' 'y',\n  'b',\n  ['c'],\n]\nb = 1\nb = 2\n", "2:7: invalid TOML: expected ',' or ']' after array value\n7:1: b: defined twice, first in line 6"},
		{"header left open", "[a\nb = 1\n[c]\nd = 1\nd = 2\n", "1:3: invalid TOML: expected ']' to close table name\n5:1: d: defined twice, first in line 4"},
		{"characters, not bytes", "é = 1\n\"é\" = \"€\" x\n", "1:1: invalid TOML: invalid character at start of key: U+00C3 'Ã'\n2:11: invalid TOML: expected newline but got U+0078 'x'"},
		{"no UTF-8", "a = \"\xff\"\n", "1:6: byte 0xff is not UTF-8: save the file as UTF-8, it may be in Latin-1"},
		{"only the first byte", "# caf\xe9\na = \"\xe9\"\nb = \n", "1:6: byte 0xe9 is not UTF-8: save the file as UTF-8, it may be in Latin-1"},
		{"UTF-16, little end", "\xff\xfea\x00 \x00=\x00 \x001\x00\n\x00", "1:1: is in UTF-16LE: save it as UTF-8"},
		{"UTF-16, big end", "\xfe\xff\x00a\x00 \x00=\x00 \x001\x00\n", "1:1: is in UTF-16BE: save it as UTF-8"},
		{"UTF-16 without a mark", "a\x00 \x00=\x00 \x001\x00\n\x00", "1:1: is in UTF-16LE: save it as UTF-8"},
		{"and the big end", "\x00a\x00 \x00=\x00 \x001\x00\n", "1:1: is in UTF-16BE: save it as UTF-8"},
		{"UTF-32", "\xff\xfe\x00\x00a\x00\x00\x00", "1:1: is in UTF-32: save it as UTF-8"},
		{"and without a mark", "\x00\x00\x00a\x00\x00\x00=\x00\x00\x001", "1:1: is in UTF-32: save it as UTF-8"},
		{"NUL from end to end", "\x00\x00\x00\x00", "1:1: NUL byte: not a text file"},
		{"NUL", "a = 1\nb = \"x\x00y\"\n", "2:7: NUL byte: not a text file"},
		{"conflict", "a = 1\n<<<<<<< HEAD\nb = 1\n=======\nb = 2\n>>>>>>> other\n", "2:1: conflict marker: two versions of the file were merged here; decide what it is to say"},
		{"conflict with the end left", "b = 1\nb = 2\n>>>>>>> other\n", "3:1: conflict marker: two versions of the file were merged here; decide what it is to say"},
		{"a text with a line like a marker", "a = \"\"\"\n=======\n\"\"\"\na = 1\n", "4:1: a: defined twice, first in line 1"},
		{"byte order mark", "\ufeffa = 1\na = 2\n", "2:1: a: defined twice, first in line 1"},
		{"nothing", " \n# x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := problems(c.text, nil); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"s = 5", "1:5: s: must be a string, not an integer: write \"5\""},
		{"s = 1979-05-27 07:32:00", "1:5: s: must be a string, not a date or time: write \"1979-05-27 07:32:00\""},
		{"s = { }", "1:5: s: must be a string, not a table"},
		{"n = \"5\"", "1:5: n: must be an integer, not a string"},
		{"n = 9223372036854775808", "1:5: n: 9223372036854775808 is out of range"},
		{"b = 1", "1:5: b: must be true or false, not an integer"},
		{"l = [\"a\", 2, true]", "1:11: l: must be a string, not an integer: write \"2\"\n1:14: l: must be a string, not a boolean: write \"true\""},
		{"l = \"a\"", "1:5: l: must be a list of strings, not a string"},
		{"o = { }", "1:5: o: must be a string or a list of strings, not a table"},
		{"t = []", "1:5: t: must be a table, not a list"},
		{"ts = [1]", "1:7: ts: must be a table, not an integer"},
		{"[ts]\nn = 1", "1:2: ts: is a list of tables: write [[ts]]"},
		{"x = 1\n[ss]\n", "1:1: x: unknown key\n2:2: ss: unknown key, did you mean s?"},
		{"\"a\\nb\" = 1", "1:1: \"a\\nb\": unknown key"},
		{"s = 's'\nn = 0x1F\nb = true\nl = []\no = 'x'\n[t]\n[[ts]]\nn = 1_000\n", ""},
	} {
		got := problems(c.text, func(root *Table) {
			root.Only("s", "n", "b", "l", "o", "t", "ts")
			root.Get("s").AsString()
			root.Get("n").AsInt()
			root.Get("b").AsBool()
			root.Get("l").AsStrings()
			root.Get("o").AsStringOrStrings()
			root.Get("t").AsTable()
			root.Get("ts").AsTables()
		})
		if got != c.want {
			t.Errorf("%q:\n%s\nwant\n%s", c.text, got, c.want)
		}
	}
}

func TestValues(t *testing.T) {
	doc := ParseTOML("f", []byte("s = \"a\\tb\"\nn = 0x1_F\nb = true\nl = ['x', \"y\"]\n[[ts]]\nn = 1\n[[ts]]\nn = -2\n"))
	s, _ := doc.Root.Get("s").AsString()
	n, _ := doc.Root.Get("n").AsInt()
	b, _ := doc.Root.Get("b").AsBool()
	l, _ := doc.Root.Get("l").AsStrings()
	got := fmt.Sprintf("%q %d %v %s %s", s, n, b, l[0].Text, l[1].Text)
	for _, table := range doc.Root.Get("ts").AsTables() {
		n, _ := table.Need("n").AsInt()
		got += fmt.Sprint(" ", n)
	}
	if err := doc.Err(); err != nil || got != `"a\tb" 31 true x y 1 -2` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestNeed(t *testing.T) {
	for text, want := range map[string]string{
		"[[p]]\nversion = 1\n":      "1:3: p: name is missing",
		"[[p]]\nname = \n":          "2:8: invalid TOML: unexpected character U+000A at start of value",
		"[[p]]\nnaem = 'x'\n":       "2:1: naem: unknown key, did you mean name?",
		"p = [{ version = 1 }]":     "1:6: p: name is missing",
		"[[p]]\nname = 'x'\n[[p]]":  "3:3: p: name is missing",
		"[[p]]\nname = 'x'\n# nil.": "",
	} {
		got := problems(text, func(root *Table) {
			for _, p := range root.Get("p").AsTables() {
				p.Only("name", "version")
				p.Need("name").AsString()
			}
		})
		if got != want {
			t.Errorf("%q:\n%s\nwant\n%s", text, got, want)
		}
	}
}

func TestPositionGoesBothWays(t *testing.T) {
	doc := ParseTOML("f", []byte("aé = 1\nb€b = 2\n"))
	for _, c := range []struct{ offset, line, column int }{{0, 1, 1}, {3, 1, 3}, {12, 2, 3}, {9, 2, 2}, {8, 2, 1}, {12, 2, 3}, {3, 1, 3}, {1, 1, 2}, {99, 3, 1}, {-5, 1, 1}} {
		if got := doc.Position(c.offset); got.Line != c.line || got.Column != c.column {
			t.Errorf("offset %d: %v", c.offset, got)
		}
	}
}

func TestHostileText(t *testing.T) {
	text := "\"a\\u001b[31m\\nb\\u202e\" = 5\nlong = '" + strings.Repeat("x", 1000) + "'\n"
	got := problems(text, func(root *Table) {
		root.Entries[0].Value.AsString()
		root.Get("long").Problem("%s", root.Get("long").Text)
	})
	want := `1:26: a\x1b[31m\nb\u202e: must be a string, not an integer: write "5"` + "\n2:8: long: " + strings.Repeat("x", 394) + "…"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestManyKeys(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "k%d = %d\n", i, i)
	}
	doc := ParseTOML("f", []byte(text.String()))
	for i := range 100 {
		if n, ok := doc.Root.Get(fmt.Sprint("k", i)).AsInt(); !ok || n != int64(i) {
			t.Errorf("k%d: %d", i, n)
		}
	}
	if v := doc.Root.Get("k100"); v != nil {
		t.Errorf("k100: %v", v)
	}
}

func TestQuote(t *testing.T) {
	for _, s := range []string{"", "plain", `"\`, "a\tb\nc\x00\x7f", "é€\u202e", "'"} {
		doc := ParseTOML("f", []byte(Quote(s)+" = "+Quote(s)))
		if got, ok := doc.Root.Get(s).AsString(); !ok || got != s || doc.Err() != nil {
			t.Errorf("%q: %q, %v", s, got, doc.Err())
		}
	}
	// What an eye does not see, or sees in another order, is written out.
	if got, want := Quote("\"a\\b\"\t\n\r\x00\x1b\u202e\U000e0001ä"), `"\"a\\b\"\t\n\r\u0000\u001B\u202E\U000E0001ä"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
