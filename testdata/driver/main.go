// Command driver is a small SchemaHero database driver for tests and the
// demo. The real host loads it and prints the DDL that it plans; it talks to
// no database.
//
// What it is called and which release it is are set when it is linked, so that
// one source gives any number of drivers:
//
//	go build -ldflags "-X main.name=postgres -X main.version=0.1.0 -X main.engines=postgres,postgresql"
//
// It uses the host's go-plugin library, but not the host's own module: that
// one links Kubernetes clients, 52 MB and minutes of compiling where this
// takes 12 MB and half a minute. The few types that cross the wire are
// repeated in wire.go.
package main

import (
	"errors"
	"net/rpc"
	"strings"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
)

// Set with -ldflags "-X main.name=…".
var (
	name    = "postgres"
	version = "0.0.0-dev"
	engines = "" // separated by commas; none: the driver's own name
)

// database is the go-plugin plugin that the host dispenses.
type database struct{ driver *driver }

func (d database) Server(*goplugin.MuxBroker) (any, error) { return d.driver, nil }

func (database) Client(*goplugin.MuxBroker, *rpc.Client) (any, error) {
	return nil, errors.New("this is a driver, not a host")
}

func main() {
	registerWireTypes()
	d := &driver{name: name, version: version, engines: []string{name}}
	if engines != "" {
		d.engines = strings.Split(engines, ",")
	}
	// The names and the cookie are those of pkg/database/plugin/shared in
	// github.com/schemahero/schemahero v0.24.0.
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{
			ProtocolVersion:  1,
			MagicCookieKey:   "SCHEMAHERO_PLUGIN",
			MagicCookieValue: "schemahero-database-plugin",
		},
		Plugins: goplugin.PluginSet{"database": database{d}},
		Logger:  hclog.NewNullLogger(),
	})
}
