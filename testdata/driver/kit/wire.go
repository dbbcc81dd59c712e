package kit

import "encoding/gob"

// The arguments and replies of the host's net/rpc calls. gob matches structs
// by the names of their fields and ignores those that the receiver lacks, so
// each type here holds only what this driver reads or answers.

// Empty is the argument of calls that take none.
type Empty struct{}

type NameReply struct{ Name string }

type VersionReply struct{ Version string }

type SupportedEnginesReply struct{ Engines []string }

type ConnectArgs struct {
	URI     string
	Options map[string]any
}

type ConnectReply struct {
	Success      bool
	Error        string
	ConnectionID string
}

type ValidateArgs struct{ Config map[string]any }

type ValidateReply struct {
	Valid bool
	Error string
}

// DoneReply answers Initialize and Shutdown.
type DoneReply struct {
	Success bool
	Error   string
}

// ConnectionArgs names the connection of a call about one.
type ConnectionArgs struct{ ConnectionID string }

type CloseReply struct{ Error string }

type PlanTableArgs struct {
	ConnectionID string
	TableName    string
	TableSchema  any // one of the types that registerWireTypes names
}

type PlanReply struct {
	Statements []string
	Error      string
}

type DeployArgs struct {
	ConnectionID string
	Statements   []string
}

type DeployReply struct{ Error string }

// Table is a table's schema as far as this driver plans it. The engines'
// schemas share these fields.
type Table struct {
	PrimaryKey []string
	Columns    []*Column
	IsDeleted  bool
}

type Column struct {
	Name        string
	Type        string
	Constraints *Constraints
	Default     *string
}

type Constraints struct{ NotNull *bool }

// gob wants one Go type for each name that it decodes into an interface.
type (
	Postgres  Table
	Timescale Table
	MySQL     Table
	SQLite    Table
	RQLite    Table
)

// registerWireTypes ties the types above to the names that the host's
// gob.Register gives to its own.
func registerWireTypes() {
	gob.RegisterName("*v1alpha4.PostgresqlTableSchema", &Postgres{})
	gob.RegisterName("*v1alpha4.TimescaleDBTableSchema", &Timescale{})
	gob.RegisterName("*v1alpha4.MysqlTableSchema", &MySQL{})
	gob.RegisterName("*v1alpha4.SqliteTableSchema", &SQLite{})
	gob.RegisterName("*v1alpha4.RqliteTableSchema", &RQLite{})
}
