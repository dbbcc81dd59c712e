package registry

import (
	"context"
	"errors"
	"time"
)

// Client speaks to registries. It is safe for use by several goroutines.
type Client struct {
	o     Options
	stats counters
}

// New returns a Client. Nothing is read and nobody is asked before the first
// request, so that a command which needs no network pays for none.
func New(o Options) (*Client, error) {
	return &Client{o: o}, nil
}

// Repository returns a repository by its name: HOST[:PORT]/PATH in a registry,
// or oci-layout:DIR/NAME, the driver NAME in the OCI image layout at DIR. For a
// registry nothing is asked yet; but the repositories that were named before
// the first request share its token where the registry grants one. Errors:
// *ReferenceError, for layouts also *BundleError.
func (c *Client) Repository(ref string) (Repository, error) {
	return nil, errors.ErrUnsupported
}

// Catalog calls page with the registry's repositories, HOST/PATH, some at a
// time. Errors: *NotSupportedError where the registry has no catalog, and those
// of a Repository.
func (c *Client) Catalog(ctx context.Context, host string, page func(repositories []string) error) error {
	return errors.ErrUnsupported
}

// Pong is what a registry's answer to a Ping tells.
type Pong struct {
	Host      string
	URL       string        // as asked, with the scheme
	Challenge string        // "Basic" or "Bearer" where credentials are asked for, or ""
	Username  string        // whose credentials were accepted; "" where none were sent
	Source    string        // where they came from
	Date      time.Time     // the server's clock; zero where it does not say
	Latency   time.Duration // of the last request
}

// Ping asks whether a host is a registry and accepts the credentials stored
// for it. Errors: those of a Repository.
func (c *Client) Ping(ctx context.Context, host string) (Pong, error) {
	return Pong{}, errors.ErrUnsupported
}

// Stored tells where a Login was stored.
type Stored struct {
	File   string // the configuration file
	Helper string // the credential helper that keeps the secret; "" where the file itself does, unencrypted
}

// Login tries a user's password or token and stores it where docker, podman and
// oras find it. An identity token is given with an empty user. Errors:
// *AuthError where it is refused, and nothing is stored then;
// *CredentialsError.
func (c *Client) Login(ctx context.Context, host, user, secret string) (Stored, error) {
	return Stored{}, errors.ErrUnsupported
}

// Logout removes what is stored for a host, wherever it is, and returns the
// files it was in. Errors: *CredentialsError.
func (c *Client) Logout(ctx context.Context, host string) ([]string, error) {
	return nil, errors.ErrUnsupported
}

// Stats returns what was done so far.
func (c *Client) Stats() Stats { return c.stats.snapshot() }
