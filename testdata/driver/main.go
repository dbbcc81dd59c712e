// Command driver is a small SchemaHero database driver for tests and the
// demo. The real host loads it and prints the DDL that it plans; it talks to
// no database.
//
// What it is called and which release it is are set when it is linked, so that
// one source gives any number of drivers:
//
//	go build -ldflags "-X main.name=postgres -X main.version=0.1.0 -X main.engines=postgres,postgresql"
package main

import (
	"log"
	"strconv"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/testdata/driver/kit"
)

// Set with -ldflags "-X main.name=…".
var (
	name     = "postgres"
	version  = "0.0.0-dev"
	engines  = ""  // separated by commas; none: the driver's own name
	protocol = "1" // see kit.Options
)

func main() {
	v, err := strconv.ParseUint(protocol, 10, 16)
	if err != nil {
		log.Fatalf("protocol: %v", err)
	}
	o := kit.Options{Name: name, Version: version, Engines: []string{name}, Protocol: uint(v)}
	if engines != "" {
		o.Engines = strings.Split(engines, ",")
	}
	kit.Serve(o)
}
