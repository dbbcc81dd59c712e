package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

const incident = "# top\nregistry = \"ghcr.io/acme\"   # where\n\n[plugins]   # ours\n# pinned for the incident\npostgres   =   \"~0.0\"  # keep\n\n# end\n"

func TestSet(t *testing.T) {
	for _, c := range []struct {
		name, before string
		edit         Edit
		after        string
	}{
		{"new", incident, Edit{Name: "mysql", Version: "^0.1"},
			strings.Replace(incident, "# keep\n", "# keep\nmysql = \"^0.1\"\n", 1)},
		{"value", incident, Edit{Name: "postgres", Version: ">=1, <3"},
			strings.Replace(incident, "~0.0", ">=1, <3", 1)},
		{"nothing", incident, Edit{Name: "postgres"}, incident},
		{"string becomes table", incident, Edit{Name: "postgres", Aliases: []string{"cockroachdb", "crdb"}},
			strings.Replace(incident, `"~0.0"`, `{ version = "~0.0", aliases = ["cockroachdb", "crdb"] }`, 1)},
		{"string becomes table, new version", incident, Edit{Name: "postgres", Version: "*", Registry: "quay.io/{name}"},
			strings.Replace(incident, `"~0.0"`, `{ version = "*", registry = "quay.io/{name}" }`, 1)},
		{"empty file", "", Edit{Name: "mysql"}, "[plugins]\nmysql = \"*\"\n"},
		{"no table", "dir = \"x\"\n", Edit{Name: "mysql"}, "dir = \"x\"\n\n[plugins]\nmysql = \"*\"\n"},
		{"no table, no last newline", "dir = \"x\"", Edit{Name: "mysql"}, "dir = \"x\"\n\n[plugins]\nmysql = \"*\"\n"},
		{"empty table", "[plugins] # none\n\n[[trust]]\nscope = \"a.io\"\nunsigned = true\n", Edit{Name: "mysql"},
			"[plugins] # none\nmysql = \"*\"\n\n[[trust]]\nscope = \"a.io\"\nunsigned = true\n"},
		{"no last newline", "[plugins]\npostgres = \"*\"", Edit{Name: "mysql"}, "[plugins]\npostgres = \"*\"\nmysql = \"*\""},
		{"CRLF", "[plugins]\r\npostgres = \"*\" # x\r\n\r\n", Edit{Name: "mysql"}, "[plugins]\r\npostgres = \"*\" # x\r\nmysql = \"*\"\r\n\r\n"},
		{"CRLF, no table", "dir = \"x\"\r\n", Edit{Name: "mysql"}, "dir = \"x\"\r\n\r\n[plugins]\r\nmysql = \"*\"\r\n"},
		{"indented", "[plugins]\n  postgres = \"*\"\n", Edit{Name: "mysql"}, "[plugins]\n  postgres = \"*\"\n  mysql = \"*\"\n"},
		{"inline, new version", `plugins.a = { version = '^1', registry = "a.io" } # x`, Edit{Name: "a", Version: "^2"},
			`plugins.a = { version = '^2', registry = "a.io" } # x`},
		{"inline, more keys", `plugins.a = { version = "^1" } # x`, Edit{Name: "a", Registry: "a.io", Aliases: []string{"b"}},
			`plugins.a = { version = "^1", registry = "a.io", aliases = ["b"] } # x`},
		{"more aliases", `plugins.a = { version = "^1", aliases = [ "b", ] }`, Edit{Name: "a", Aliases: []string{"b", "c"}},
			`plugins.a = { version = "^1", aliases = [ "b", "c", ] }`},
		{"another registry", `plugins.a = { version = "^1", registry = ["a.io", "b.io"] }`, Edit{Name: "a", Registry: "c.io"},
			`plugins.a = { version = "^1", registry = "c.io" }`},
		{"several lines", "[plugins]\na = { # first\n  version = \"^1\", # v\n}\n", Edit{Name: "a", Version: "^2", Registry: "a.io"},
			"[plugins]\na = { # first\n  version = \"^2\", registry = \"a.io\", # v\n}\n"},
		{"multi-line string", "[plugins]\na = \"\"\"\n^1\"\"\" # x\n", Edit{Name: "a", Version: "^2"}, "[plugins]\na = \"^2\" # x\n"},
		{"own header", "[plugins.a]\nversion = \"^1\"\n\n# b\n[plugins.b]\nversion = \"^1\"\n", Edit{Name: "a", Version: "^2", Aliases: []string{"c"}},
			"[plugins.a]\nversion = \"^2\"\naliases = [\"c\"]\n\n# b\n[plugins.b]\nversion = \"^1\"\n"},
		{"beside own headers", "[plugins.a]\nversion = \"^1\"\n", Edit{Name: "b"}, "[plugins.a]\nversion = \"^1\"\n\n[plugins]\nb = \"*\"\n"},
		{"before own headers", "[plugins]\na = \"*\"\n[plugins.b]\nversion = \"^1\"\n", Edit{Name: "c"},
			"[plugins]\na = \"*\"\nc = \"*\"\n[plugins.b]\nversion = \"^1\"\n"},
		{"dotted", "plugins.a.version = \"^1\" # x\ndir = \"d\"\n", Edit{Name: "a", Registry: "a.io"},
			"plugins.a.version = \"^1\" # x\nplugins.a.registry = \"a.io\"\ndir = \"d\"\n"},
		{"dotted, new", "plugins.a.version = \"^1\" # x\ndir = \"d\"\n", Edit{Name: "b"},
			"plugins.a.version = \"^1\" # x\nplugins.b = \"*\"\ndir = \"d\"\n"},
		{"dotted below the header", "[plugins]\na.version = \"^1\"\n", Edit{Name: "a", Registry: "a.io"},
			"[plugins]\na.version = \"^1\"\na.registry = \"a.io\"\n"},
		{"all inline", "plugins = { a = \"^1\" } # x\n", Edit{Name: "b", Repository: "a.io/b"},
			"plugins = { a = \"^1\", b = { version = \"*\", repository = \"a.io/b\" } } # x\n"},
		{"empty inline", "plugins = {}\n", Edit{Name: "b"}, "plugins = { b = \"*\" }\n"},
		{"byte order mark", "\ufeff[plugins]\na = \"^1\"\n", Edit{Name: "a", Version: "^2"}, "\ufeff[plugins]\na = \"^2\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Set("m.toml", []byte(c.before), c.edit)
			if err != nil || string(got) != c.after {
				t.Fatalf("%v\n got %q\nwant %q", err, got, c.after)
			}
			m := mustParse(t, c.before)
			if _, listed := m.Plugin(c.edit.Name); listed || !strings.Contains(c.before, "plugins") {
				return // there is no edit back: the header stays
			}
			if back, err := Remove("m.toml", got, c.edit.Name); err != nil || string(back) != c.before {
				if c.name != "empty inline" && c.name != "beside own headers" {
					t.Errorf("removed: %v\n got %q\nwant %q", err, back, c.before)
				}
			}
		})
	}
}

func TestSetErrors(t *testing.T) {
	const text = "[plugins]\nedge = { tag = \"nightly\" }\nora = { version = \"1\", repository = \"a.io/ora\" }\npostgres = \"*\"\n"
	for _, c := range []struct {
		edit Edit
		want string
	}{
		{Edit{Name: "postgres", Version: "latest"}, `m.toml: postgres: "latest" is not a constraint`},
		{Edit{Name: "postgres", Version: "1\"\nx = \"y"}, "is not a version constraint"},
		{Edit{Name: "mariadb"}, "m.toml: mariadb: name \"mariadb\": is an engine"},
		{Edit{Name: "a\nb"}, "a driver's name has only"},
		{Edit{Name: "edge", Version: "^1"}, "m.toml: edge: tag: excludes version"},
		{Edit{Name: "ora", Registry: "a.io"}, "registry: excludes repository"},
		{Edit{Name: "x", Registry: "a.io", Repository: "a.io/x"}, "registry: excludes repository"},
		{Edit{Name: "x", Registry: "acme"}, `"acme" names no host`},
		{Edit{Name: "x", Repository: "https://a.io/x"}, "has a scheme"},
		{Edit{Name: "x", Aliases: []string{"postgres"}}, `"postgres" is a driver already`},
		{Edit{Name: "x", Aliases: []string{"y\"]"}}, "a driver's name has only"},
		{Edit{Name: "x", Aliases: []string{"y", "y"}}, "named twice"},
	} {
		got, err := Set("m.toml", []byte(text), c.edit)
		var e *EditError
		if got != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %q, %v", c.edit, got, err)
		}
	}
	var e *diag.Error
	if got, err := Set("m.toml", []byte("[plugins"), Edit{Name: "x"}); got != nil || !errors.As(err, &e) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := Remove("m.toml", []byte("[plugins"), "x"); got != nil || !errors.As(err, &e) {
		t.Errorf("%q, %v", got, err)
	}
	var missing *NotListedError
	if got, err := Remove("m.toml", []byte(text), "mysql"); got != nil || !errors.As(err, &missing) || missing.Name != "mysql" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRemove(t *testing.T) {
	for _, c := range []struct{ name, before, plugin, after string }{
		{"line", incident, "postgres", strings.Replace(incident, "postgres   =   \"~0.0\"  # keep\n", "", 1)},
		{"several lines", "[plugins]\na = {\n  version = \"1\", # x\n} # y\nb = \"*\"\n", "a", "[plugins]\nb = \"*\"\n"},
		{"own header", "[plugins.a]\n# c\nversion = \"1\"\n\n[plugins.b]\nversion = \"1\"\n", "a", "# c\n\n[plugins.b]\nversion = \"1\"\n"},
		{"dotted", "plugins.a.version = \"1\"\nplugins.b = \"1\"\nplugins.a.registry = \"a.io\"\n", "a", "plugins.b = \"1\"\n"},
		{"last of the file", "[plugins]\na = \"1\"\nb = \"1\"", "b", "[plugins]\na = \"1\""},
		{"last of the file, CRLF", "[plugins]\r\na = \"1\"\r\nb = \"1\"", "b", "[plugins]\r\na = \"1\""},
		{"first in braces", "plugins = { a = \"1\", b = \"1\" }\n", "a", "plugins = { b = \"1\" }\n"},
		{"middle in braces", "plugins = { a = \"1\", b = { tag = \"x\" }, c = \"1\" }\n", "b", "plugins = { a = \"1\", c = \"1\" }\n"},
		{"last in braces", "plugins = { a = \"1\", b = \"1\" }\n", "b", "plugins = { a = \"1\" }\n"},
		{"only one in braces", "plugins = { a = \"1\" }\n", "a", "plugins = {  }\n"},
		{"dotted in braces", "plugins = { a.version = \"1\", b = \"1\", a.registry = \"a.io\" }\n", "a", "plugins = { b = \"1\" }\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Remove("m.toml", []byte(c.before), c.plugin)
			if err != nil || string(got) != c.after {
				t.Errorf("%v\n got %q\nwant %q", err, got, c.after)
			}
		})
	}
}

func TestNew(t *testing.T) {
	for _, o := range []NewOptions{
		{},
		{Registry: "localhost:5000/drivers", Dir: "plugins/bin"},
		{Plugins: []Edit{{Name: "postgres", Version: "^0.1", Aliases: []string{"cockroachdb"}}, {Name: "mysql"}}},
	} {
		text := New(o)
		m := mustParse(t, string(text))
		if !strings.HasPrefix(string(text), "#:schema "+SchemaURL+"\n") || m.Dir != o.Dir || len(m.Plugins) != len(o.Plugins) {
			t.Errorf("%+v:\n%s", o, text)
		}
		if o.Registry != "" && m.Registry[0] != o.Registry {
			t.Errorf("registry %q", m.Registry)
		}
		for i, p := range m.Plugins {
			if want := o.Plugins[i]; p.Name != want.Name || len(p.Aliases) != len(want.Aliases) {
				t.Errorf("%+v:\n%s", p, text)
			}
		}
	}
	if _, err := Parse("m.toml", New(NewOptions{Registry: "x\"\n[", Dir: ".."})); err == nil {
		t.Error("bad options give a valid manifest")
	}
}

// FuzzEdit adds, changes and removes a plugin in any valid manifest: the results
// are valid, no line but the plugin's own changes, and removing what was added
// gives the same bytes.
func FuzzEdit(f *testing.F) {
	files, err := filepath.Glob(testdata + "/good*.toml")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "postgres", "^0.2")
		f.Add(data, "fresh", "*")
	}
	f.Add([]byte(incident), "mysql", "^1")
	f.Fuzz(func(t *testing.T, data []byte, name, version string) {
		file := testdata + "/fuzz.toml"
		before, err := Parse(file, data)
		if err != nil {
			return
		}
		out, err := Set(file, data, Edit{Name: name, Version: version})
		var refused *EditError
		if errors.As(err, &refused) {
			old, listed := before.Plugin(name)
			possible := Edit{Name: name, Version: version}.check(file) == nil
			aliased := strings.Contains(string(data), "aliases")
			if possible && !aliased && (!listed || old.Version != "") && len(data) < diag.TooLarge/2 {
				t.Errorf("refused: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		after, err := Parse(file, out)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := after.Plugin(name)
		if old, listed := before.Plugin(name); listed {
			if version != "" && got.Version != version || version == "" && string(out) != string(data) {
				t.Errorf("%+v became %+v", old, got)
			}
		} else if !subsequence(data, out) {
			t.Errorf("more than an insertion:\n%q\n%q", data, out)
		}
		removed, err := Remove(file, out, name)
		if errors.As(err, &refused) {
			return
		}
		if _, listed := mustReparse(t, file, removed).Plugin(name); listed {
			t.Errorf("still there: %q", removed)
		}
		plugins := diag.ParseTOML(file, data).Root.Get("plugins")
		_, listed := before.Plugin(name)
		if !listed && plugins != nil && plugins.Table.HasPlace() && data[plugins.Span.Start] != '{' && string(removed) != string(data) {
			t.Errorf("added and removed:\n%q\n%q", data, removed)
		}
	})
}

func mustReparse(t *testing.T, file string, data []byte) *Manifest {
	t.Helper()
	m, err := Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// subsequence reports whether whole has part with one stretch inserted.
func subsequence(part, whole []byte) bool {
	n := 0
	for n < len(part) && n < len(whole) && part[n] == whole[n] {
		n++
	}
	return strings.HasSuffix(string(whole), string(part[n:]))
}

// TestKeepPlaces: what an edit did not write stands where it stood, and what it
// wrote stands nowhere yet.
func TestKeepPlaces(t *testing.T) {
	before, err := Parse("m.toml", []byte("schemahero = \"0.25\"\n[plugins]\nmysql = \"^1\"\npostgres = \"^0.1\"\nsqlite = \"*\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := Parse("m.toml", []byte("# new\nschemahero = \"0.25\"\n[plugins]\npostgres = \"^0.2\"\nsqlite = \"*\"\noracle = \"*\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	after.KeepPlaces(before)
	got := []int{after.SchemaHeroPos.Line}
	for _, p := range after.Plugins {
		got = append(got, p.Pos.Line)
	}
	if want := []int{1, 0, 5, 0}; !slices.Equal(got, want) {
		t.Errorf("lines %v, want %v", got, want)
	}
}
