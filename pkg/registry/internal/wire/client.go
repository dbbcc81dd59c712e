// Package wire sends one request to a registry: over the right scheme, with what
// the registry asks for, again if that can go better, and with an error that
// says who failed and why. send.go reads from top to bottom like a request goes.
package wire

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"time"
)

// UserAgent is sent with requests unless the Options name another.
const UserAgent = "kubectl-schemahero-plugin"

// connectTimeout is for TCP, and again for TLS.
const connectTimeout = 10 * time.Second

// Options configure a Client.
type Options struct {
	CAFile    string          // PEM certificates that are trusted beside the system's, for every host
	PlainHTTP bool            // every host is asked over plain HTTP
	Offline   bool            // every connection is refused, before any name is looked up
	Hosts     map[string]Host // by host:port, as Table finds them

	HeaderTimeout time.Duration // from the request sent to the headers of its answer; 0 means 30 s
	IdleTimeout   time.Duration // without a byte of a body in either direction; 0 means 30 s

	Proxy     func(*http.Request) (*url.URL, error)
	Events    func(Event)
	UserAgent string

	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	Jitter func() float64
}

// Host is what is peculiar to one registry.
type Host struct {
	CAFile     string // PEM, trusted beside the system's and Options.CAFile
	ClientCert string // PEM
	ClientKey  string // PEM
	PlainHTTP  *bool  // nil: as Options and the loopback rule say
}

// Client sends requests. It is safe for use by several goroutines.
type Client struct {
	o          Options
	transports *transports
	http       *http.Client
	counters   counters
}

// New returns a Client. Nothing is read and nobody is asked.
func New(o Options) *Client {
	o.HeaderTimeout = cmp.Or(o.HeaderTimeout, 30*time.Second)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, 30*time.Second)
	o.UserAgent = cmp.Or(o.UserAgent, UserAgent)
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	c := &Client{o: o}
	c.transports = &transports{o: &c.o}
	c.http = &http.Client{Transport: c.transports, CheckRedirect: c.redirect}
	return c
}

// Count changes what was done so far.
func (c *Client) Count(f func(s *Stats)) { c.counters.update(f) }

// Stats returns what was done so far.
func (c *Client) Stats() Stats { return c.counters.snapshot() }

// Event reports what happens.
func (c *Client) Event(e Event) {
	if c.o.Events != nil {
		c.o.Events(e)
	}
}

// Now is the time by the Client's clock.
func (c *Client) Now() time.Time {
	if c.o.Now != nil {
		return c.o.Now()
	}
	return time.Now()
}

// HTTP returns a way to hosts that are not registries, with the same proxies,
// certificates, timeouts and redirects. It sends no credentials and tries once.
func (c *Client) HTTP() *http.Client { return c.http }

// Close ends the connections that are kept for further requests.
func (c *Client) Close() { c.transports.closeIdle() }
