package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"sync"
)

// driver answers the host's calls. Its exported methods are the net/rpc
// interface of the host's pkg/database/plugin, as far as `plan` needs it.
type driver struct {
	name    string
	version string
	engines []string

	mu          sync.Mutex
	connections map[string]struct{}
	last        int
}

// Name answers what the driver is called.
func (d *driver) Name(_ *Empty, reply *NameReply) error {
	reply.Name = d.name
	return nil
}

// Version answers which release it is.
func (d *driver) Version(_ *Empty, reply *VersionReply) error {
	reply.Version = d.version
	return nil
}

// SupportedEngines answers which engines it serves.
func (d *driver) SupportedEngines(_ *Empty, reply *SupportedEnginesReply) error {
	reply.Engines = slices.Clone(d.engines)
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
	if _, err := url.Parse(args.URI); err != nil {
		reply.Error = "uri: does not parse" // without its text, which can hold a password
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	id := "conn-" + strconv.Itoa(d.last)
	if d.connections == nil {
		d.connections = map[string]struct{}{}
	}
	d.connections[id] = struct{}{}
	reply.ConnectionID, reply.Success = id, true
	return nil
}

// ConnectionClose ends a connection.
func (d *driver) ConnectionClose(args *ConnectionArgs, reply *CloseReply) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.connections[args.ConnectionID]; !ok {
		reply.Error = fmt.Sprintf("connection %s: not found", args.ConnectionID)
	}
	delete(d.connections, args.ConnectionID)
	return nil
}

// ConnectionPlanTableSchema plans a table as if the database were empty.
func (d *driver) ConnectionPlanTableSchema(args *PlanTableArgs, reply *PlanReply) error {
	d.mu.Lock()
	_, ok := d.connections[args.ConnectionID]
	d.mu.Unlock()
	if !ok {
		reply.Error = fmt.Sprintf("connection %s: not found", args.ConnectionID)
		return nil
	}
	statements, err := plan(args.TableName, args.TableSchema)
	if err != nil {
		reply.Error = err.Error()
	}
	reply.Statements = statements
	return nil
}
