package probe

import (
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
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
	control *caller
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
	s.control = newCaller(control)
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
	if err := s.control.call("Dispenser.Dispense", "database", &number); err != nil {
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
		return Identity{}, errors.New("answers for another plugin than it was asked for")
	}
	plugin := newCaller(stream)
	var (
		none    struct{}
		name    struct{ Name string }
		version struct{ Version string }
		engines struct{ Engines []string }
	)
	if err := plugin.call("Plugin.Name", none, &name); err != nil {
		return Identity{}, err
	}
	if err := plugin.call("Plugin.Version", none, &version); err != nil {
		return Identity{}, err
	}
	if err := plugin.call("Plugin.SupportedEngines", none, &engines); err != nil {
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
	return s.control.call("Control.Quit", true, &none)
}

// caller makes calls of net/rpc over one stream, one after the other.
//
// It stands in for net/rpc's client because that package also holds a debug
// page: importing it links html/template and parses a template at every start
// of the program, probed or not.
type caller struct {
	enc *gob.Encoder
	dec *gob.Decoder
	seq uint64
}

func newCaller(stream io.ReadWriter) *caller {
	return &caller{enc: gob.NewEncoder(stream), dec: gob.NewDecoder(stream)}
}

// call asks for method with arg and decodes the answer into reply, a pointer.
// After an error the caller is of no more use: the stream can stand anywhere.
func (c *caller) call(method string, arg, reply any) error {
	// The names and order of these fields are net/rpc's.
	type request struct {
		ServiceMethod string
		Seq           uint64
	}
	type response struct {
		ServiceMethod string
		Seq           uint64
		Error         string
	}
	c.seq++
	if err := c.enc.Encode(request{method, c.seq}); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if err := c.enc.Encode(arg); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	var r response
	if err := c.dec.Decode(&r); err != nil {
		return fmt.Errorf("%s: no answer: %w", method, err)
	}
	if r.Seq != c.seq {
		return fmt.Errorf("%s: answers another call", method)
	}
	if r.Error != "" {
		return fmt.Errorf("%s: %s", method, printable(r.Error))
	}
	if err := c.dec.Decode(reply); err != nil {
		return fmt.Errorf("%s: not the host's interface: %w", method, err)
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
