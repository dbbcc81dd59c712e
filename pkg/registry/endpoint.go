package registry

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
)

// endpoint is one registry host, with what has been learnt about it.
type endpoint struct {
	name string // as repositories write it: docker.io, registry.internal:5000
	auth authState

	down        atomic.Pointer[error] // why a mirror is not asked any more
	noReferrers atomic.Bool           // has no referrers API

	mu      sync.Mutex
	scheme  string // "" until the first request
	settled bool   // scheme is known, not a first try
}

// dockerHub is the name under which repositories of Docker Hub are written.
const dockerHub = "docker.io"

// hostOf returns where a registry's API is. Docker Hub's is elsewhere than its
// name says.
func hostOf(name string) string {
	switch name {
	case dockerHub, "index.docker.io", "registry-1.docker.io":
		return "registry-1.docker.io"
	}
	return name
}

// isLoopback tells whether HOST[:PORT] is this machine: localhost, names below
// it, 127.0.0.0/8 and ::1.
func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// schemeFor decides how a host is asked. settled is false where plain HTTP is
// only the first thing to try.
func (o *Options) schemeFor(name string) (scheme string, settled bool) {
	own := o.Hosts[name]
	switch {
	case own.PlainHTTP != nil && *own.PlainHTTP:
		return "http", true
	case own.PlainHTTP != nil, own.CAFile != "", own.ClientCert != "":
		return "https", true
	case o.PlainHTTP:
		return "http", true
	case isLoopback(name) && o.CAFile == "":
		return "http", false
	}
	return "https", true
}

// use returns the scheme to ask with, and whether that is certain.
func (e *endpoint) use(o *Options) (scheme string, settled bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.scheme == "" {
		e.scheme, e.settled = o.schemeFor(e.name)
	}
	return e.scheme, e.settled
}

// settle remembers the scheme that a loopback host answered to.
func (e *endpoint) settle(scheme string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.scheme, e.settled = scheme, true
}
