package wire

import (
	"net"
	"net/netip"
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

// LeadsInward says why a server may not send a client to an address: who is
// elsewhere has no business with what listens on this machine or answers
// link-local, as the metadata services of clouds do. "" where it may.
func LeadsInward(from, to string) string {
	if is := inward(to); is != inward(from) {
		return is
	}
	return ""
}
