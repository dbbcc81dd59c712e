package registry

import (
	"maps"
	"slices"
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
	noHead      atomic.Bool           // serves to a GET what it refuses to a HEAD

	mu      sync.Mutex
	scheme  string // "" until the first request
	settled bool   // scheme is known, not a first try
}

// dockerHub is the name under which repositories of Docker Hub are written.
const dockerHub = "docker.io"

// hostOf returns where a registry's API is. Docker Hub's is elsewhere than its
// name says.
func hostOf(name string) string {
	if registryName(name) == dockerHub {
		return "registry-1.docker.io"
	}
	return name
}

// hubNames are the hosts under which Docker Hub is known.
func hubNames() []string {
	return []string{dockerHub, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
}

// registryName is the one name of a registry that has several: Docker Hub's.
func registryName(host string) string {
	if slices.Contains(hubNames(), strings.TrimSuffix(strings.ToLower(host), ":443")) {
		return dockerHub
	}
	return host
}

// tableKey is the one spelling of a host for looking things up: HTTPS's own port
// can be written or left out.
func tableKey(host string) string {
	return registryName(strings.TrimSuffix(strings.ToLower(host), ":443"))
}

// SameRegistry reports whether two hosts are spellings of one registry: Docker
// Hub has several names, and HTTPS's own port can be left out.
func SameRegistry(a, b string) bool { return tableKey(a) == tableKey(b) }

// samePath is HOST/PATH with the host as tableKey spells it.
func samePath(name string) string {
	host, path, found := strings.Cut(name, "/")
	if !found {
		return tableKey(host)
	}
	return tableKey(host) + "/" + path
}

// table finds what is configured for a host. Where it is there in two spellings,
// the very one that is asked for counts.
func (o *Options) table(host string) (Host, bool) {
	if h, ok := o.Hosts[host]; ok {
		return h, true
	}
	for _, name := range slices.Sorted(maps.Keys(o.Hosts)) {
		if tableKey(name) == tableKey(host) {
			return o.Hosts[name], true
		}
	}
	return Host{}, false
}

// schemeFor decides how a host is asked. settled is false where plain HTTP is
// only the first thing to try.
func (o *Options) schemeFor(name string) (scheme string, settled bool) {
	own, _ := o.table(name)
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
