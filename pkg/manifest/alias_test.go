package manifest

import (
	"errors"
	"testing"
)

func TestRemoveAlias(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"the only one", `plugins.p = { version = '^1', aliases = ["b"] } # x`, `plugins.p = '^1' # x`},
		{"of several keys", `plugins.p = { version = "^1", aliases = ["b"], registry = "a.io" }`, `plugins.p = { version = "^1", registry = "a.io" }`},
		{"first", `plugins.p = { version = "^1", aliases = ["b", "c"] }`, `plugins.p = { version = "^1", aliases = ["c"] }`},
		{"last", `plugins.p = { version = "^1", aliases = ["a", "b"] }`, `plugins.p = { version = "^1", aliases = ["a"] }`},
		{"lines", "[plugins.p]\nversion = \"^1\"\naliases = [\n  \"b\", # why\n  \"c\",\n]\n", "[plugins.p]\nversion = \"^1\"\naliases = [\n  # why\n  \"c\",\n]\n"},
		{"own header", "[plugins.p]\nversion = \"^1\"\naliases = [\"b\"]\n# end\n", "[plugins.p]\nversion = \"^1\"\n# end\n"},
		{"dotted", "plugins.p.version = \"^1\"\nplugins.p.aliases = [\"b\"]\n", "plugins.p.version = \"^1\"\n"},
	} {
		got, err := RemoveAlias("f.toml", []byte(c.before), "p", "b")
		if err != nil || string(got) != c.after {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, got, c.after)
		}
	}
	_, err := RemoveAlias("f.toml", []byte(`plugins.p = "^1"`), "p", "b")
	if missing := new(NotListedError); !errors.As(err, &missing) || missing.Name != "b" {
		t.Errorf("no such alias: %v", err)
	}
}

// What Set did to an entry, RemoveAlias undoes.
func TestRemoveAliasUndoesSet(t *testing.T) {
	for _, text := range []string{incident, "[plugins]\npostgres = '^1'", "[plugins.postgres]\nversion = \"^1\"\n", "plugins.postgres.version = \"^1\"\n"} {
		set, err := Set("f.toml", []byte(text), Edit{Name: "postgres", Aliases: []string{"cockroachdb"}})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := RemoveAlias("f.toml", set, "postgres", "cockroachdb"); err != nil || string(got) != text {
			t.Errorf("%v\n%s\nwant\n%s", err, got, text)
		}
	}
}
