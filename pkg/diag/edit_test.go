package diag

import "testing"

func TestEdits(t *testing.T) {
	const text = "a = [] # list\nb = 'x'\n\n[t] # table\nc.d = 1\n# end\n\n[[e]]\nf = 1\n[e.g]\nh = 1\n[[e]]\nf = 2\n"
	doc := ParseTOML("f", []byte(text))
	root := doc.Root
	if err := doc.Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"append", root.Get("a").Append(Quote("i")), "a = [\"i\"] # list\n" + text[14:]},
		{"set", root.Get("b").SetString("y"), "a = [] # list\nb = 'y'\n" + text[22:]},
		{"set, other quotes", root.Get("b").SetString("it's"), "a = [] # list\nb = \"it's\"\n" + text[22:]},
		{"set, escapes", root.Get("b").SetString("a\\b"), "a = [] # list\nb = \"a\\\\b\"\n" + text[22:]},
		{"set, was a list", root.Get("a").SetString("y"), "a = \"y\" # list\n" + text[14:]},
		{"insert in the root", root.Insert("k y", "1"), "a = [] # list\nb = 'x'\n\"k y\" = 1\n" + text[22:]},
		{"insert below a header", root.Get("t").Table.Insert("k", "1"), text[:43] + "k = 1\n" + text[43:]},
		{"insert a dotted key", root.Get("t").Table.Get("c").Table.Insert("k", "1"), text[:43] + "c.k = 1\n" + text[43:]},
		{"insert in a list's table", root.Get("e").Items[0].Table.Insert("k", "1"), text[:62] + "k = 1\n" + text[62:]},
		{"append a table", doc.AppendTable("n", "k", "1"), text + "\n[n]\nk = 1\n"},
		{"delete a line", root.Delete("a"), text[14:]},
		{"delete a table", root.Delete("t"), text[:23] + text[43:]},
		{"delete a list of tables", root.Delete("e"), text[:50]},
		{"delete nothing", root.Delete("nothing"), text},
	} {
		if string(c.got) != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, c.got, c.want)
		}
		if err := ParseTOML("f", c.got).Err(); err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, c.got)
		}
	}
	if string(doc.Source) != text {
		t.Errorf("the document changed: %q", doc.Source)
	}
}
