package ui

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// hostile is what no stream may hand on: colours, a cleared screen, C1, DEL,
// reversed and isolated text, separators, a byte that is not UTF-8.
const hostile = "a\x1b[2Jb\x07c\x7fd\u009be\u202ef\u2066g\u2028h\u2029i\x9bj\rk"

func newTest(form string) (*UI, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	u := New(nil, &out, &err, func(string) (string, bool) { return "", false })
	u.Output = form
	return u, &out, &err
}

func clean(t *testing.T, what, text string) {
	t.Helper()
	if bad := strings.IndexFunc(text, func(r rune) bool { return r == '\ufffd' || r != '\n' && control(r) }); bad >= 0 {
		t.Errorf("%s: hands on %q", what, text[bad:])
	}
}

func TestEscape(t *testing.T) {
	want := `a\u001b[2Jb\u0007c\u007fd\u009be\u202ef\u2066g\u2028h\u2029i\x9bj\u000dk`
	if got := Escape(hostile); got != want {
		t.Errorf("%s", got)
	}
	if got := Escape("a\nb\tc"); got != `a\u000ab\u0009c` {
		t.Errorf("%s", got)
	}
	for _, plain := range []string{"", "ordinary", "ünïcode – 語 \ufffd", "├── x"} {
		if got := Escape(plain); got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	}
}

// Whatever a command writes by, nothing gets through, and text cannot begin a
// line of its own.
func TestNothingGetsThrough(t *testing.T) {
	text := hostile + "\nhint: forged"
	u, out, err := newTest("")
	u.Verbose = true
	u.Say("%s", text)
	u.Warn("%s", text)
	u.Trace("%s", text)
	u.Note("%s", text)
	u.Hint("next:", "%s", text)
	u.Advice(text)
	for _, form := range ErrorForms() {
		u.Errors = form
		u.Error(Failure{headline: text, below: []string{text}})
		u.Tell(Told{Message: text, File: text, Line: 1, Hint: text})
	}
	u.Track("key "+text, "line "+text, 1, 2)
	NewLines(u.Out).Line("%s", text)
	u.Out.Write([]byte(hostile + "\n"))
	u.Err.Write([]byte(hostile + "\n"))
	clean(t, "standard output", out.String())
	clean(t, "standard error", err.String())
	if all := out.String() + err.String(); strings.Contains(all, "\nhint: forged") {
		t.Errorf("a forged line in %s", all)
	}
}

type thing struct {
	Name string   `json:"name" col:"NAME,name"`
	List []string `json:"list" col:"LIST"`
	Size int64    `json:"size" col:"SIZE,bytes"`
	Path string   `json:"path" col:"+PATH,path"`
	note string   `col:"NOTE"`
}

func TestOutputFormsStayValid(t *testing.T) {
	name := strings.ReplaceAll(hostile, "i\x9b", "") // JSON has no bytes that are no UTF-8
	for _, form := range []string{"", "wide", "name", "json", "yaml", "jsonpath={.items[*].name}", "custom-columns=N:.name", "go-template={{range .items}}{{.name}}{{end}}"} {
		u, out, _ := newTest(form)
		if err := u.Print(List("ThingList", "thing", []thing{{Name: name, List: []string{name}, Path: name, note: name}})); err != nil {
			t.Fatal(err)
		}
		clean(t, "-o "+form, out.String())
		var got struct{ Items []thing }
		switch form {
		case "json":
			if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Items[0].Name != name {
				t.Errorf("json: %v: %+v", err, got)
			}
		case "yaml":
			if err := yaml.Unmarshal(out.Bytes(), &got); err != nil || got.Items[0].Name != name {
				t.Errorf("yaml: %v: %+v", err, got)
			}
		}
	}
}

func TestTable(t *testing.T) {
	items := []thing{{"postgres", []string{"a", "b"}, 16856735, "/project/x/y", ""}, {"mysql", nil, 12, "/elsewhere", "moved"}}
	for form, want := range map[string]string{
		"":     "NAME       LIST   SIZE      NOTE\npostgres   a,b    16.9 MB   -\nmysql      -      12 B      moved\n",
		"wide": "NAME       LIST   SIZE      PATH         NOTE\npostgres   a,b    16.9 MB   " + filepath.FromSlash("x/y") + "          -\nmysql      -      12 B      /elsewhere   moved\n",
		"name": "thing/postgres\nthing/mysql\n",
	} {
		u, out, _ := newTest(form)
		u.Dir = "/project"
		if err := u.Print(List("ThingList", "thing", items)); err != nil || out.String() != want {
			t.Errorf("-o %s: %v\n%s", form, err, out)
		}
	}
	u, out, err := newTest("")
	if e := u.Print(List[thing]("ThingList", "thing", nil)); e != nil || out.String() != "" || err.String() != "nothing to list\n" {
		t.Errorf("none: %v: %q %q", e, out, err)
	}
	u, out, _ = newTest("json")
	if e := u.Print(List[thing]("ThingList", "thing", nil)); e != nil || !strings.Contains(out.String(), `"items": []`) {
		t.Errorf("none: %v: %s", e, out)
	}
}

// From the root every path is below the working directory: it is shown whole.
func TestRel(t *testing.T) {
	for _, c := range [][3]string{
		{"/", "/etc/x", "/etc/x"}, {"/project", "/project/a/b", filepath.FromSlash("a/b")}, {"/project", "/projects", "/projects"}, {"/project", "/etc", "/etc"},
	} {
		u, _, _ := newTest("")
		u.Dir = filepath.FromSlash(c[0])
		if got := u.Rel(c[1]); got != c[2] {
			t.Errorf("from %s: %s is %s", c[0], c[1], got)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "–",
		"0.1.2":                   "0.1.2",
		"a|b`c`":                  "a\\|b\\`c\\`",
		"[x](https://e.io) *y_z*": `\[x\]\(https://e.io\) \*y\_z\*`,
		"<img src=x> &lt;":        "&lt;img src=x&gt; &amp;lt;",
		`\|`:                      `\\\|`,
		"![i]~$":                  `\!\[i\]\~\$`,
		"a\nb":                    `a\\u000ab`,
	} {
		if got := Markdown(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
