package registry

import (
	"context"
	"net/http"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/auth"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// Pong is what a registry's answer to a Ping says.
type Pong struct {
	Challenge string    // "basic" or "bearer" if credentials are asked for, or ""
	Username  string    // whose credentials were accepted; "" if none were sent
	Date      time.Time // the server's clock; zero if it does not say
}

// Ping asks whether a host is a registry and accepts the credentials stored
// for it. Errors: those of a Repository.
func (c *Client) Ping(ctx context.Context, host string) (Pong, error) {
	if err := checkHost(host); err != nil {
		return Pong{}, err
	}
	return c.ping(ctx, c.endpoint(host))
}

func (c *Client) ping(ctx context.Context, ep *endpoint) (p Pong, err error) {
	// "Determining Support" of the distribution-spec.
	req := &wire.Request{Endpoint: &ep.Endpoint, Kind: wire.KindOther, Method: http.MethodGet, Path: "/v2/"}
	err = c.wire.Do(ctx, req, func(resp *http.Response) error {
		p.Date, _ = http.ParseTime(resp.Header.Get("Date"))
		return nil
	})
	if err == nil {
		p.Challenge, p.Username, err = ep.session.Asks(ctx)
	}
	return p, err
}

// Login tries a user's password or token and stores it where docker, podman and
// oras find it. An identity token is given with an empty user. Errors:
// *AuthError if it is refused, and nothing is stored then;
// *CredentialsError.
func (c *Client) Login(ctx context.Context, host, user, secret string) (auth.Stored, error) {
	if err := checkHost(host); err != nil {
		return auth.Stored{}, err
	}
	login := auth.Login{User: user, Secret: secret}
	if err := c.keys.CanStore(host, login); err != nil {
		return auth.Stored{}, err
	}
	pong, err := c.ping(ctx, c.newEndpoint(host, auth.Trying(host, login)))
	if err != nil {
		return auth.Stored{}, err
	}
	stored, err := c.keys.Store(ctx, host, login)
	stored.Unchecked = err == nil && pong.Challenge == ""
	return stored, err
}

// Logout removes what is stored for a host and for repositories in it, wherever
// it is, and returns the files it was in. Errors: *CredentialsError.
func (c *Client) Logout(ctx context.Context, host string) (files []string, err error) {
	if err := checkHost(host); err != nil {
		return nil, err
	}
	return c.keys.Erase(ctx, host)
}
