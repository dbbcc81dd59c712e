package diag

import (
	"strings"
	"testing"
)

func TestSnippet(t *testing.T) {
	long := strings.Repeat("a", 200) + "X" + strings.Repeat("b", 200)
	for _, c := range []struct {
		name, source        string
		line, column, width int
		want                string
	}{
		{"middle", "a = 1\nb = \"xyz\"\n", 2, 5, 5, " 2 | b = \"xyz\"\n   |     ^^^^^\n"},
		{"no width", "abc", 1, 2, 0, " 1 | abc\n   |  ^\n"},
		{"tabs", "\ta\t= 1", 1, 4, 1, " 1 | \ta\t= 1\n   | \t \t^\n"},
		{"CRLF", "abc\r\n", 1, 3, 9, " 1 | abc\n   |   ^\n"},
		{"behind the end", "abc\n", 1, 4, 1, " 1 | abc\n   |    ^\n"},
		{"far behind the end", "abc", 1, 40, 3, " 1 | abc\n   |    ^\n"},
		{"empty line", "\n", 1, 1, 1, " 1 | \n   | ^\n"},
		{"characters, not bytes", "é€ = x", 1, 6, 1, " 1 | é€ = x\n   |      ^\n"},
		{"escape sequence before", "\x1b[31m = x", 1, 9, 1, " 1 | \\x1b[31m = x\n   |            ^\n"},
		{"escape sequence", "a\x1bb", 1, 2, 1, " 1 | a\\x1bb\n   |  ^^^^\n"},
		{"text turned around", "a = \u202ex", 1, 5, 1, " 1 | a = \\u202ex\n   |     ^^^^^^\n"},
		{"no UTF-8", "\xff = 1", 1, 4, 1, " 1 | \\xff = 1\n   |       ^\n"},
		{"number of two digits", strings.Repeat("\n", 9) + "x", 10, 1, 1, " 10 | x\n    | ^\n"},
		{"no such line", "x", 3, 1, 1, ""},
		{"line 0", "x", 0, 1, 1, ""},
		{"long, at the beginning", long, 1, 1, 1, " 1 | " + strings.Repeat("a", 88) + "…\n   | ^\n"},
		{"long, in the middle", long, 1, 201, 1, " 1 | …" + strings.Repeat("a", 22) + "X" + strings.Repeat("b", 65) + "…\n   | " + strings.Repeat(" ", 23) + "^\n"},
		{"long, at the end", long, 1, 401, 5, " 1 | …" + strings.Repeat("b", 87) + "b\n   | " + strings.Repeat(" ", 88) + "^\n"},
		{"long, behind the end", long, 1, 402, 1, " 1 | …" + strings.Repeat("b", 88) + "\n   | " + strings.Repeat(" ", 89) + "^\n"},
		{"long and wide", long, 1, 201, 500, " 1 | …" + strings.Repeat("a", 22) + "X" + strings.Repeat("b", 65) + "…\n   | " + strings.Repeat(" ", 23) + strings.Repeat("^", 66) + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &Error{Source: []byte(c.source)}
			got := e.Snippet(Problem{Position: Position{"f", c.line, c.column}, Width: c.width})
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestErrorIsSorted(t *testing.T) {
	at := func(line, column int, text string) Problem {
		return Problem{Position: Position{"f.toml", line, column}, Width: 1, Text: text}
	}
	err := NewError(nil, at(2, 1, "c"), at(1, 9, "b"), at(1, 2, "a"), at(2, 1, "d"))
	if got, want := err.Error(), "f.toml:1:2: a\nf.toml:1:9: b\nf.toml:2:1: c\nf.toml:2:1: d"; got != want {
		t.Errorf("got\n%s", got)
	}
	if got := err.Texts(); got != "a; b; c; d" {
		t.Errorf("texts: %s", got)
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"registry", "platforms", "dir", "schemahero", "minimum-age", "version", "tag"}
	for word, want := range map[string]string{
		"registri": "registry", "Registry": "registry", "registries": "registry", "platform": "platforms", "versoin": "version",
		"minimum_age": "minimum-age", "minimumage": "minimum-age", "dri": "dir", "tg": "tag", "tga": "tag",
		"mirrors": "", "x": "", "foo": "", "": "", "t": "", strings.Repeat("a", 65): "",
	} {
		if got, ok := Nearest(word, keys); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", word, got, ok)
		}
	}
}
