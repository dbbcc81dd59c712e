package probe

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// The handshake of hashicorp/go-plugin, with the values of the host's
// pkg/database/plugin/shared.
const (
	cookieKey    = "SCHEMAHERO_PLUGIN"
	cookieValue  = "schemahero-database-plugin"
	coreProtocol = 1
	appProtocol  = 1
	rpcProtocol  = "netrpc"
	// maxHandshake bounds the line in bytes. With go-plugin's own TLS it holds
	// a certificate; the host does not ask for that.
	maxHandshake = 4096
)

// parseHandshake reads the line CORE|APP|NETWORK|ADDRESS|RPC|CERTIFICATE,
// whose last two fields old drivers leave out, and gives the address that the
// driver at path listens on. Source: go-plugin's docs/internals.md.
func parseHandshake(path, line string) (net.Addr, error) {
	fields := strings.Split(strings.TrimSpace(line), "|")
	notLine := &HandshakeError{Path: path, Problem: fmt.Sprintf("not a plugin: it wrote %s", quote(line))}
	if len(fields) < 4 {
		return nil, notLine
	}
	core, errCore := strconv.Atoi(fields[0])
	app, errApp := strconv.Atoi(fields[1])
	if errCore != nil || errApp != nil {
		return nil, notLine
	}
	rpc := rpcProtocol
	if len(fields) > 4 && fields[4] != "" {
		rpc = fields[4]
	}
	if core != coreProtocol || app != appProtocol || rpc != rpcProtocol {
		return nil, &ProtocolError{Path: path, Core: core, App: app, RPC: printable(rpc)}
	}
	switch network, address := fields[2], fields[3]; network {
	case "unix":
		return &net.UnixAddr{Net: network, Name: address}, nil
	case "tcp":
		// A driver has no business elsewhere: anything but this machine is
		// not an address to connect to, and no name is looked up.
		a, err := netip.ParseAddrPort(address)
		if err == nil && a.Addr().IsLoopback() {
			return net.TCPAddrFromAddrPort(a), nil
		}
	}
	return nil, &HandshakeError{Path: path, Problem: fmt.Sprintf("listens on an address that is not this machine's: %s", quote(line))}
}

// quote shows what a driver wrote, in one short line of plain text.
func quote(s string) string {
	const limit = 80
	if s = strings.TrimSpace(s); len(s) > limit {
		s = s[:limit] + "…"
	}
	return strconv.QuoteToGraphic(s)
}

// printable drops the quotes of [quote] where nothing had to be escaped.
func printable(s string) string {
	if q := quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}
