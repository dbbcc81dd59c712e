package registry

import (
	"net/http"
	"net/url"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// Options configure a Client. The zero value is usable: no cache, no
// credentials, no proxy, Go's own certificate authorities.
type Options struct {
	// CacheDir keeps manifests by digest; "" keeps them in memory only.
	CacheDir string
	// Layouts opens oci-layout:DIR/NAME; nil: such repositories are refused.
	Layouts func(ref string) (Repository, error)

	Credentials CredentialPaths

	// CAFile holds PEM certificates that are trusted beside the system's, for
	// every host.
	CAFile string
	// PlainHTTP asks every registry over plain HTTP. Without it only loopback
	// registries are, and those that Hosts says so of.
	PlainHTTP bool
	// Offline refuses every connection, before any name is looked up.
	Offline bool

	// Proxy picks the proxy of a request, as http.Transport.Proxy does. nil
	// means none: the environment is the caller's to read.
	Proxy   func(*http.Request) (*url.URL, error)
	Mirrors []Mirror
	Hosts   map[string]Host // by host:port as repositories write it

	// Events is called with what happens on the way, from several
	// goroutines.
	Events    func(Event)
	UserAgent string // "" means kubectl-schemahero-plugin

	// tests stands for the clock, and for the patience, in tests.
	tests wire.Options
}

// Mirror says where the repositories below a prefix are looked for first.
type Mirror struct {
	Prefix  string   // HOST or HOST/PATH, matched by whole segments
	Targets []string // what stands in place of Prefix, tried in order before the origin
	System  bool     // tried before those that are not, whatever their prefix
}

// wire are the options of a single request.
func (o *Options) wire() wire.Options {
	w := o.tests
	w.CAFile, w.PlainHTTP, w.Offline, w.Hosts = o.CAFile, o.PlainHTTP, o.Offline, o.Hosts
	w.Proxy, w.Events, w.UserAgent = o.Proxy, o.Events, o.UserAgent
	return w
}
