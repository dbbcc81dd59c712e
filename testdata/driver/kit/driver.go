package kit

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"sync"
)

// driver answers the host's calls. Its exported methods are the net/rpc
// interface of the host's pkg/database/plugin, as far as `plan` and `apply`
// need it.
type driver struct {
	Options

	mu          sync.Mutex
	connections map[string]Database
	last        int
}

// Name answers what the driver is called.
func (d *driver) Name(_ *Empty, reply *NameReply) error {
	reply.Name = d.Options.Name
	return nil
}

// Version answers which release it is.
func (d *driver) Version(_ *Empty, reply *VersionReply) error {
	reply.Version = d.Options.Version
	return nil
}

// SupportedEngines answers which engines it serves.
func (d *driver) SupportedEngines(_ *Empty, reply *SupportedEnginesReply) error {
	reply.Engines = slices.Clone(d.Options.Engines)
	return nil
}

// Initialize and Shutdown have nothing to do here.
func (d *driver) Initialize(_ *Empty, reply *DoneReply) error {
	reply.Success = true
	return nil
}

func (d *driver) Shutdown(_ *Empty, reply *DoneReply) error {
	reply.Success = true
	return nil
}

// Validate takes any options: there is no database to hold them against.
func (d *driver) Validate(_ *ValidateArgs, reply *ValidateReply) error {
	reply.Valid = true
	return nil
}

// Connect hands out a connection for a URI that parses.
func (d *driver) Connect(args *ConnectArgs, reply *ConnectReply) error {
	db, err := d.open(args.URI)
	if err != nil {
		reply.Error = err.Error()
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	id := "conn-" + strconv.Itoa(d.last)
	if d.connections == nil {
		d.connections = map[string]Database{}
	}
	d.connections[id] = db
	reply.ConnectionID, reply.Success = id, true
	return nil
}

func (d *driver) open(uri string) (Database, error) {
	if d.Open != nil {
		return d.Open(uri)
	}
	if _, err := url.Parse(uri); err != nil {
		return nil, errors.New("uri: does not parse") // without its text, which can hold a password
	}
	return nil, nil
}

func (d *driver) connection(id string) (Database, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	db, ok := d.connections[id]
	if !ok {
		return nil, fmt.Errorf("connection %s: not found", id)
	}
	return db, nil
}

// ConnectionClose ends a connection.
func (d *driver) ConnectionClose(args *ConnectionArgs, reply *CloseReply) error {
	db, err := d.connection(args.ConnectionID)
	if err == nil && db != nil {
		err = db.Close()
	}
	if err != nil {
		reply.Error = err.Error()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.connections, args.ConnectionID)
	return nil
}

// ConnectionPlanTableSchema plans a table as if the database were empty.
func (d *driver) ConnectionPlanTableSchema(args *PlanTableArgs, reply *PlanReply) error {
	_, err := d.connection(args.ConnectionID)
	if err == nil {
		reply.Statements, err = plan(args.TableName, args.TableSchema)
	}
	if err != nil {
		reply.Error = err.Error()
	}
	return nil
}

// ConnectionDeployStatements runs statements in the database, in order.
func (d *driver) ConnectionDeployStatements(args *DeployArgs, reply *DeployReply) error {
	db, err := d.connection(args.ConnectionID)
	if err == nil && db == nil {
		err = fmt.Errorf("%s: this driver plans only", d.Options.Name)
	}
	for _, s := range args.Statements {
		if err == nil && s != "" {
			err = db.Exec(s)
		}
	}
	if err != nil {
		reply.Error = err.Error()
	}
	return nil
}
