package manifest

import (
	"strings"
	"testing"
)

func TestLocations(t *testing.T) {
	const plugins = `
[plugins]
postgres = "*"
mysql    = { version = "*", registry = ["ghcr.io/acme", "quay.io/{name}/driver"] }
oracle   = { version = "*", repository = "registry.internal/db/ora" }
sqlite   = { version = "*", repository = "oci-layout:vendor/sqlite" }
`
	const builtIn = "docker.io/schemahero/plugins/NAME! docker.io/schemahero/plugin-NAME!"
	for _, c := range []struct{ name, registry, plugin, override, want string }{
		{"built-in", ``, "postgres", "", strings.ReplaceAll(builtIn, "NAME", "postgres")},
		{"built-in, only required", ``, "timescaledb", "", strings.ReplaceAll(builtIn, "NAME", "timescaledb")},
		{"host's variable", ``, "postgres", "localhost:5000/ns/plugin", "localhost:5000/ns/plugin-postgres"},
		{"host's variable, only required", ``, "rqlite", "localhost:5000/x", "localhost:5000/x-rqlite"},
		{"host's variable, registry wins", `"ghcr.io/a"`, "postgres", "localhost:5000/x", "ghcr.io/a/postgres"},
		{"host's variable, own registry wins", ``, "mysql", "localhost:5000/x", "ghcr.io/acme/mysql quay.io/mysql/driver"},
		{"host's variable, own repository wins", ``, "oracle", "localhost:5000/x", "registry.internal/db/ora"},
		{"list", `["ghcr.io/a", "localhost:5000", "docker.io/b/p-{name}"]`, "postgres", "", "ghcr.io/a/postgres localhost:5000/postgres docker.io/b/p-postgres"},
		{"name twice", `"ghcr.io/{name}/schemahero-{name}"`, "postgres", "", "ghcr.io/postgres/schemahero-postgres"},
		{"required by another", `"ghcr.io/a"`, "rqlite", "", "ghcr.io/a/rqlite"},
		{"own registry wins", `"ghcr.io/a"`, "mysql", "", "ghcr.io/acme/mysql quay.io/mysql/driver"},
		{"own repository wins", `"ghcr.io/a"`, "oracle", "", "registry.internal/db/ora"},
		{"layout", `"oci-layout:vendor/plugins"`, "postgres", "", "oci-layout:vendor/plugins/postgres"},
		{"layout template", `"oci-layout:vendor/{name}"`, "postgres", "", "oci-layout:vendor/postgres"},
		{"layout of one plugin", ``, "sqlite", "", "oci-layout:vendor/sqlite"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := plugins
			if c.registry != "" {
				text = "registry = " + c.registry + plugins
			}
			var got []string
			for _, l := range mustParse(t, text).Locations(c.plugin, c.override) {
				if l.BuiltIn {
					l.Repository += "!"
				}
				got = append(got, l.Repository)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s\nwant %s", s, c.want)
			}
		})
	}
}
