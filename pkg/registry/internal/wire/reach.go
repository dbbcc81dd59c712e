package wire

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Hostname is HOST[:PORT] without the port, in lower case, an IPv6 address
// without its brackets.
func Hostname(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// IsLoopback reports whether HOST[:PORT] is this machine: localhost, names below
// it, 127.0.0.0/8 and ::1.
func IsLoopback(hostport string) bool {
	host := Hostname(hostport)
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// inward says what an address is that means something else on every machine, ""
// for all others.
func inward(hostport string) string {
	addr, err := netip.ParseAddr(Hostname(hostport))
	addr = addr.Unmap()
	switch {
	case IsLoopback(hostport), err == nil && addr.IsUnspecified():
		return "on this machine"
	case err == nil && addr.IsLinkLocalUnicast():
		return "a link-local address"
	}
	return ""
}

// leadsInward says why a server may not send a client to an address: a server
// elsewhere has no business with what listens on this machine or answers
// link-local, as the metadata services of clouds do. "" if it may.
func leadsInward(from, to string) string {
	if is := inward(to); is != inward(from) {
		return is
	}
	return ""
}

// LeadsInward says why a server at one URL may not send a client to a host, ""
// if it may. A server that was reached at an address of this machine is on it,
// whatever its name.
func (c *Client) LeadsInward(from *url.URL, to string) string {
	is := leadsInward(from.Host, to)
	if is == c.transports.where(from) {
		return ""
	}
	return is
}

// sentTo is the context key of requests to an address that a server named. That
// its name is not an address of this machine does not say where it leads.
type sentTo struct{}

// handed is its value.
type handed struct{ from, to *url.URL }

// dial connects, but not to where a server elsewhere must not send anybody, and
// remembers who is reached on this machine.
func (ts *transports) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := ts.o.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	is := inward(conn.RemoteAddr().String())
	if h, ok := ctx.Value(sentTo{}).(handed); ok && is != "" && portOf(h.to) == address && is != inward(h.from.Host) && is != ts.where(h.from) {
		conn.Close()
		return nil, &redirectError{h.from.Host, "sends to " + Place(h.to) + ", which is " + is}
	}
	if is != "" {
		ts.reached.Store(address, is)
	}
	return conn, nil
}

// where is what inward says of the address at which a host was reached.
func (ts *transports) where(u *url.URL) string {
	is, _ := ts.reached.Load(portOf(u))
	text, _ := is.(string)
	return text
}
