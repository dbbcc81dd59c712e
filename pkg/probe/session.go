package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"sync/atomic"

	"github.com/hashicorp/yamux"
)

// maxReceived bounds what a driver may send over its socket, in bytes: its
// answers, and what it logs meanwhile.
const maxReceived = 4 << 20

// errTooMuch is what reading ends with beyond [maxReceived].
var errTooMuch = errors.New("sends more than 4 MiB")

// session is a go-plugin connection to a driver.
type session struct {
	mux     *yamux.Session
	control *rpc.Client
	conn    *boundedConn
	release func() bool
}

// connect opens the connection and the streams that go-plugin's server waits
// for, in its order: control, standard output, standard error.
func connect(ctx context.Context, address net.Addr) (*session, error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, address.Network(), address.String())
	if err != nil {
		return nil, fmt.Errorf("cannot be reached on the address that it names: %w", err)
	}
	conn := &boundedConn{Conn: raw}
	conn.left.Store(maxReceived)
	config := yamux.DefaultConfig()
	config.EnableKeepAlive = false
	config.LogOutput = io.Discard
	mux, err := yamux.Client(conn, config)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	// Every call below waits on this connection: closing it ends them.
	s := &session{mux: mux, conn: conn, release: context.AfterFunc(ctx, func() { _ = raw.Close() })}
	control, err := mux.Open()
	if err != nil {
		s.close()
		return nil, err
	}
	s.control = rpc.NewClient(control)
	for range 2 {
		std, err := mux.Open()
		if err != nil {
			s.close()
			return nil, err
		}
		// The driver blocks where nobody reads what it writes.
		go func() { _, _ = io.Copy(io.Discard, std) }()
	}
	return s, nil
}

func (s *session) close() {
	s.release()
	_ = s.mux.Close() // closes the connection, and with it the streams
}

// identify dispenses the database interface and asks its three questions.
func (s *session) identify() (Identity, error) {
	id, err := s.dispense()
	if err != nil && s.conn.left.Load() <= 0 {
		return Identity{}, errTooMuch // what a stream tells is only that it ended
	}
	return id, err
}

func (s *session) dispense() (Identity, error) {
	var number uint32
	if err := call(s.control, "Dispenser.Dispense", "database", &number); err != nil {
		return Identity{}, err
	}
	// The broker's way: a stream that begins with the number of what was
	// dispensed, and the same number back.
	stream, err := s.mux.Open()
	if err != nil {
		return Identity{}, err
	}
	if err := binary.Write(stream, binary.LittleEndian, number); err != nil {
		return Identity{}, err
	}
	var echoed uint32
	if err := binary.Read(stream, binary.LittleEndian, &echoed); err != nil {
		return Identity{}, fmt.Errorf("breaks off the handshake: %w", err)
	}
	if echoed != number {
		return Identity{}, errors.New("answers for another driver than it was asked for")
	}
	plugin := rpc.NewClient(stream)
	var (
		none    struct{}
		name    struct{ Name string }
		version struct{ Version string }
		engines struct{ Engines []string }
	)
	if err := call(plugin, "Plugin.Name", none, &name); err != nil {
		return Identity{}, err
	}
	if err := call(plugin, "Plugin.Version", none, &version); err != nil {
		return Identity{}, err
	}
	if err := call(plugin, "Plugin.SupportedEngines", none, &engines); err != nil {
		return Identity{}, err
	}
	id := Identity{Name: name.Name, Version: version.Version, Engines: engines.Engines}
	// What the host's ValidatePlugin asks for.
	switch {
	case id.Name == "":
		return Identity{}, errors.New("states no name")
	case id.Version == "":
		return Identity{}, errors.New("states no version")
	case len(id.Engines) == 0:
		return Identity{}, errors.New("serves no engine")
	}
	return id, nil
}

// quit asks the driver to end.
func (s *session) quit() error {
	var none struct{}
	return call(s.control, "Control.Quit", true, &none)
}

// call says of a failure what was asked for.
func call(c *rpc.Client, method string, arg, reply any) error {
	if err := c.Call(method, arg, reply); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

// boundedConn is a connection that gives at most so many bytes.
type boundedConn struct {
	net.Conn
	left atomic.Int64
}

func (c *boundedConn) Read(b []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(b[:min(int64(len(b)), left)])
	c.left.Add(-int64(n))
	return n, err
}
