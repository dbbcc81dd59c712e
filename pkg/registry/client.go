package registry

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	orasauth "oras.land/oras-go/v2/registry/remote/auth"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/auth"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// Client speaks to registries. It is safe for use by several goroutines.
type Client struct {
	o     Options
	wire  *wire.Client
	keys  *auth.Keyring
	cache *manifestCache

	mu        sync.Mutex
	endpoints map[string]*endpoint
	fallback  chan struct{} // held while a fallback tag is changed
}

// New returns a Client. Nothing is read and nobody is asked before the first
// request, so that a command which needs no network pays for none. Errors:
// *ReferenceError for a mirror that is not HOST[/PATH].
func New(o Options) (*Client, error) {
	c := &Client{
		o: o, wire: wire.New(o.wire()), keys: auth.NewKeyring(o.Credentials), cache: &manifestCache{dir: o.CacheDir},
		endpoints: map[string]*endpoint{}, fallback: make(chan struct{}, 1),
	}
	for _, m := range o.Mirrors {
		for _, path := range append([]string{m.Prefix}, m.Targets...) {
			if err := checkPrefix(path); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// HTTP returns a way to hosts that are not registries, with the same proxies,
// certificates, timeouts and redirects. It sends no credentials and tries once.
func (c *Client) HTTP() *http.Client { return c.wire.HTTP() }

// Repository returns a repository by its name: HOST[:PORT]/PATH in a registry,
// or oci-layout:DIR/NAME, the driver NAME in the OCI image layout at DIR. For a
// registry nothing is asked yet; but the repositories that were named before
// the first request share its token if the registry grants one; a layout is
// what Options.Layouts makes of it. Errors: *ReferenceError.
func (c *Client) Repository(ref string) (Repository, error) {
	if strings.HasPrefix(ref, artifact.LayoutScheme) {
		if c.o.Layouts == nil {
			return nil, &ReferenceError{ref, "is an image layout, which this program does not read"}
		}
		return c.o.Layouts(ref)
	}
	return c.remote(ref)
}

// Target returns a repository of a registry, HOST[:PORT]/PATH, to be written to. An
// image layout is none. Errors: *ReferenceError.
func (c *Client) Target(ref string) (Target, error) {
	if strings.HasPrefix(ref, artifact.LayoutScheme) {
		return nil, fault.Errorf(fault.Failure, "%s: is read-only", ref)
	}
	return c.remote(ref)
}

func (c *Client) remote(ref string) (Target, error) {
	host, path, err := splitName(ref)
	if err != nil {
		return nil, err
	}
	r := &remote{c: c, name: ref}
	for _, target := range mirrorsOf(c.o.Mirrors, ref) {
		host, path, err := splitName(target)
		if err != nil {
			return nil, err
		}
		r.sources = append(r.sources, c.source(host, path))
	}
	r.origin = c.source(host, path)
	r.sources = append(r.sources, r.origin)
	return r, nil
}

// Mirrors returns the repositories that are asked before one, each HOST/PATH.
func (c *Client) Mirrors(repository string) []string { return mirrorsOf(c.o.Mirrors, repository) }

// splitName takes HOST[:PORT]/PATH apart.
func splitName(name string) (host, path string, err error) {
	if at := strings.LastIndexByte(name, '/'); strings.ContainsAny(name[at+1:], ":@") && at >= 0 {
		return "", "", &ReferenceError{name, "is a repository with a tag or digest; a repository is wanted"}
	}
	if bad, ok := errors.AsType[*artifact.RepositoryError](artifact.CheckRepository(name)); ok {
		return "", "", &ReferenceError{name, bad.Reason}
	}
	host, path, _ = strings.Cut(name, "/")
	return host, path, nil
}

func checkHost(host string) error {
	if strings.Contains(host, "/") || artifact.CheckRepository(host+"/x") != nil {
		return &ReferenceError{host, "is not HOST[:PORT]"}
	}
	return nil
}

func checkPrefix(prefix string) error {
	if !strings.Contains(prefix, "/") {
		return checkHost(prefix)
	}
	_, _, err := splitName(prefix)
	return err
}

// endpoint is a registry, with what has been learnt about it.
type endpoint struct {
	wire.Endpoint
	session     *auth.Session
	down        atomic.Pointer[error] // why a mirror is not asked any more
	noReferrers atomic.Bool           // has no referrers API
	noHead      atomic.Bool           // serves to a GET what it refuses to a HEAD
	listed      atomic.Bool           // has listed tags: it is in reach
}

// endpoint returns what is known of a registry.
func (c *Client) endpoint(name string) *endpoint {
	if wire.IsHub(name) {
		name = wire.DockerHub
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.endpoints[name] == nil {
		c.endpoints[name] = c.newEndpoint(name, c.keys)
	}
	return c.endpoints[name]
}

func (c *Client) newEndpoint(name string, keys *auth.Keyring) *endpoint {
	e := &endpoint{session: auth.NewSession(c.wire, name, keys)}
	e.Name, e.Authority = name, e.session
	return e
}

func (c *Client) source(host, path string) *source {
	ep := c.endpoint(host)
	ep.session.Want(path)
	return &source{ep: ep, path: path, pull: []string{orasauth.ScopeRepository(path, orasauth.ActionPull)}}
}

// Stats returns what was done so far.
func (c *Client) Stats() Stats { return c.wire.Stats() }

// Close ends the connections that are kept for further requests.
func (c *Client) Close() error {
	c.wire.Close()
	return nil
}
