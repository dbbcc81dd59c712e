package wire

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// Endpoint is one registry host, with what has been learnt about it.
type Endpoint struct {
	Name      string // as repositories write it: docker.io, registry.internal:5000
	Authority Authority

	mu     sync.Mutex
	scheme string   // "" until it is known
	warned []string // warnings of the registry that were reported
}

// use returns the scheme to ask with, whether somebody said so, and whether it
// has been seen to be right.
func (e *Endpoint) use(o *Options) (scheme string, declared, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	scheme, declared = o.schemeFor(e.Name)
	if e.scheme != "" {
		return e.scheme, declared, true
	}
	return scheme, declared, false
}

// settle remembers the scheme that a host answered to.
func (e *Endpoint) settle(scheme string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.scheme = scheme
}

// schemeFor decides how a host is asked. declared is false if plain HTTP is
// only the first thing to try.
func (o *Options) schemeFor(name string) (scheme string, declared bool) {
	own, _ := o.table(name)
	switch {
	case own.PlainHTTP != nil && *own.PlainHTTP:
		return "http", true
	case own.PlainHTTP != nil, own.CAFile != "", own.ClientCert != "":
		return "https", true
	case o.PlainHTTP:
		return "http", true
	case IsLoopback(name) && o.CAFile == "":
		return "http", false
	}
	return "https", true
}

// table finds what is configured for a host. Of two spellings, the one that is
// asked for counts.
func (o *Options) table(host string) (Host, bool) {
	if h, ok := o.Hosts[host]; ok {
		return h, true
	}
	for _, name := range slices.Sorted(maps.Keys(o.Hosts)) {
		if OneName(name) == OneName(host) {
			return o.Hosts[name], true
		}
	}
	return Host{}, false
}

// DockerHub is the name under which repositories of Docker Hub are written.
const DockerHub = "docker.io"

// HubNames are the hosts under which Docker Hub is known.
func HubNames() []string {
	return []string{DockerHub, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
}

// HostOf returns where a registry's API is. Docker Hub's is elsewhere than its
// name says.
func HostOf(name string) string {
	if IsHub(name) {
		return "registry-1.docker.io"
	}
	return name
}

// IsHub reports whether a host is Docker Hub.
func IsHub(host string) bool { return OneName(host) == DockerHub }

// OneName is the one spelling of a registry's host, for looking things up: case
// does not matter, HTTPS's own port can be written or left out, and Docker Hub has
// several names.
func OneName(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ":443")
	if slices.Contains(HubNames(), host) {
		return DockerHub
	}
	return host
}

// OnePath is HOST[/PATH] with the host as OneName spells it.
func OnePath(name string) string {
	host, path, found := strings.Cut(name, "/")
	if !found {
		return OneName(host)
	}
	return OneName(host) + "/" + path
}
