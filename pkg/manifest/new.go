package manifest

import (
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// SchemaURL is where the manifest's JSON Schema is published, for editors.
const SchemaURL = "https://raw.githubusercontent.com/schemahero/kubectl-schemahero-plugin/main/docs/schema/schemahero-plugins.json"

// NewOptions is what a fresh manifest says.
type NewOptions struct {
	Registry string // "" for the built-in list
	Dir      string // "" for the user's own folder
	Plugins  []Edit // in the order to write
}

// New returns the text of a fresh manifest. It is valid where the options are,
// which Parse tells.
func New(o NewOptions) []byte {
	var b strings.Builder
	b.WriteString("#:schema " + SchemaURL + "\n")
	b.WriteString(`
# The SchemaHero database drivers that this project needs. Commit this file and
# the lockfile beside it.
#   kubectl schemahero plugin add postgres   adds a driver
#   kubectl schemahero plugin sync           installs what the lockfile names

`)
	setting(&b, "registry", o.Registry, `# registry = "ghcr.io/acme/drivers"             # default: SchemaHero's own`)
	b.WriteString(`# platforms = ["linux/amd64", "darwin/arm64"]   # default: all that a release offers` + "\n")
	setting(&b, "dir", o.Dir, `# dir = "plugins/bin"                           # default: ~/.schemahero/plugins`)
	b.WriteString(`# schemahero = "0.25"                           # the host's version, which the drivers must support

[plugins]
`)
	data := []byte(b.String())
	for _, e := range o.Plugins {
		data = addPlugin(FileName, data, e)
	}
	return data
}

// setting writes a key, or in its absence the line that explains it.
func setting(b *strings.Builder, key, value, comment string) {
	if value != "" {
		comment = key + " = " + diag.Quote(value)
	}
	b.WriteString(comment + "\n")
}
