// Package kit makes a SchemaHero driver of a name and a way to open databases.
//
// It uses the host's go-plugin library, but not the host's own module: that
// one links Kubernetes clients, 52 MB and minutes of compiling where this
// takes 12 MB and half a minute. The few types that cross the wire are
// repeated in wire.go.
package kit

import (
	"cmp"
	"errors"
	"net/rpc"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
)

// Options are who a driver is.
type Options struct {
	Name    string
	Version string
	Engines []string // that it serves
	// Protocol is the version of the driver interface that it claims; 0 is the
	// host's, 1. The host refuses a driver with another.
	Protocol uint
	// Open opens a database; nil for a driver that plans and runs nothing.
	Open func(uri string) (Database, error)
}

// Database runs the statements of `apply`.
type Database interface {
	Exec(statement string) error
	Close() error
}

// database is the go-plugin plugin that the host dispenses.
type database struct{ driver *driver }

func (d database) Server(*goplugin.MuxBroker) (any, error) { return d.driver, nil }

func (database) Client(*goplugin.MuxBroker, *rpc.Client) (any, error) {
	return nil, errors.New("this is a driver, not a host")
}

// Serve answers the host until it goes away.
func Serve(o Options) {
	registerWireTypes()
	// The names and the cookie are those of pkg/database/plugin/shared in
	// github.com/schemahero/schemahero v0.24.0.
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{
			ProtocolVersion:  cmp.Or(o.Protocol, 1),
			MagicCookieKey:   "SCHEMAHERO_PLUGIN",
			MagicCookieValue: "schemahero-database-plugin",
		},
		Plugins: goplugin.PluginSet{"database": database{&driver{Options: o}}},
		Logger:  hclog.NewNullLogger(),
	})
}
