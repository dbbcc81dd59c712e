// Command sqlite is a SchemaHero driver that really runs DDL, in SQLite. Its
// SQLite is C, as that of SchemaHero's own driver: built without cgo it answers
// the host and then fails.
package main

import (
	"database/sql"

	_ "github.com/mattn/go-sqlite3"

	"github.com/schemahero/kubectl-schemahero-plugin/testdata/driver/kit"
)

// version is set with -ldflags "-X main.version=X.Y.Z".
var version = "0.0.0-dev"

type database struct{ *sql.DB }

func (d database) Exec(statement string) error {
	_, err := d.DB.Exec(statement)
	return err
}

func open(uri string) (kit.Database, error) {
	db, err := sql.Open("sqlite3", uri)
	if err != nil {
		return nil, err
	}
	return database{db}, db.Ping()
}

func main() {
	kit.Serve(kit.Options{Name: "sqlite", Version: version, Engines: []string{"sqlite", "sqlite3"}, Open: open})
}
