package registry

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// authState is what an endpoint is known to ask for, and the tokens it gave.
type authState struct {
	keys *keyring

	// lock is held while a token is fetched, so that those who need the same
	// one wait for it. A channel, because waiting must end with the context.
	lock      chan struct{}
	challenge challenge
	oneByOne  bool // the token service refuses several repositories at once
	warned    bool // of a credential helper that fails
	tokens    []*token

	mu       sync.Mutex
	wanted   []string // repositories that will be read, in the order in which they were named
	failures int      // of the token service
	failed   error    // the last of them
}

// failure returns how often the token service has failed, and the last time's
// error.
func (a *authState) failure() (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failures, a.failed
}

func (a *authState) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failures, a.failed = a.failures+1, err
}

func (a *authState) acquire(ctx context.Context) error {
	select {
	case a.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *authState) release() { <-a.lock }

// sent is what a request bore.
type sent struct {
	scheme string // "basic", "bearer", or "" for nothing
	header string
	cred   credential // empty for anonymous requests
	token  *token     // one that a token service gave, or nil
	fresh  bool       // the token was fetched for this request
}

// need is what a request has to bear beyond what its registry is known to ask
// for.
type need struct {
	over      string    // the scheme that the registry is asked over, "http" or "https"
	challenge challenge // of this request alone
	extra     []string  // scopes that the registry named
	exact     bool      // a new token, good for this request alone
	// failures is how often the token service had failed when the request began:
	// it shares a failure since then, whose tries it has waited for.
	failures int
}

// authorized sends a request with what its registry asks for. The first one to
// a registry bears nothing; a 401 then says what is wanted. A token that does
// not do, because it has expired or was granted for less than was asked, is
// replaced once, by one for this very request. Where it is refused and another
// scheme asked for, that is tried once.
func (c *Client) authorized(ctx context.Context, r *request, scheme string) (*http.Response, error) {
	n := need{over: scheme}
	n.failures, _ = r.ep.auth.failure()
	bears, err := c.credentialsFor(ctx, r, n)
	if err != nil {
		return nil, err
	}
	for replaced, turned := false, false; ; {
		req, err := r.build(ctx, scheme)
		if err != nil {
			return nil, err
		}
		if bears.header != "" && r.ownOrigin(req.URL.Host) {
			req.Header.Set("Authorization", bears.header)
		}
		resp, err := c.exchange(r, scheme, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 400 {
			return resp, nil
		}
		// Only the registry itself can ask for credentials: a redirect's target
		// that refuses is a server that does not work.
		refused := resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden
		if !refused || redirected(resp) != "" {
			return nil, c.failure(r, resp)
		}
		asked, other := readChallenge(resp.Header)
		denied := r.denied(bears, resp)
		if bears.header == "" && asked.scheme == "" {
			denied.Cause, denied.Scheme = unasked(resp.StatusCode), other
		}
		resp.Body.Close()

		anonymous := bears.header == "" && asked.scheme != ""
		turn := !turned && bears.header != "" && asked.scheme != "" && asked.scheme != bears.scheme
		stale := bears.token != nil && !replaced && !(bears.fresh && bears.token.exact && bears.token.covers(asked.scopes))
		if !anonymous && !stale && !turn {
			return nil, denied
		}
		if err := r.ep.auth.learn(ctx, asked, bears.token); err != nil {
			return nil, err
		}
		replaced, turned = replaced || stale && !turn, turned || turn
		n.challenge, n.extra, n.exact = asked, asked.scopes, stale && !turn
		if bears, err = c.credentialsFor(ctx, r, n); err != nil {
			return nil, err
		}
		if bears.header == "" {
			denied.Helper = bears.cred.helper
			return nil, denied
		}
	}
}

// denied makes the error of a 401 or 403, and closes nothing.
func (r *request) denied(bears sent, resp *http.Response) *AuthError {
	e := &AuthError{
		Registry: r.ep.name, Repository: r.name, Cause: AuthWrong,
		Username: bears.cred.username, Source: bears.cred.source, Helper: bears.cred.helper,
		Codes: readCodes(resp.Body),
	}
	switch {
	case bears.cred.empty():
		e.Cause = AuthMissing
	case resp.StatusCode == http.StatusForbidden, bears.token != nil:
		e.Cause = AuthInsufficient // a token service has accepted them
	}
	return e
}

// unasked is the kind of a refusal that asks for nothing that could be sent:
// whether credentials are stored does not matter then.
func unasked(status int) AuthKind {
	if status == http.StatusForbidden {
		return AuthDenied
	}
	return AuthUnsupported
}

// ownOrigin tells whether a host is the registry's own. An upload's location
// can be elsewhere; credentials do not go there.
func (r *request) ownOrigin(host string) bool {
	return strings.EqualFold(host, hostOf(r.ep.name))
}

// learn keeps what a 401 asks for, and drops a token that did not do. Basic in
// place of a token that was refused is for one request: others can need the
// token.
func (a *authState) learn(ctx context.Context, asked challenge, bad *token) error {
	if err := a.acquire(ctx); err != nil {
		return err
	}
	defer a.release()
	if asked.scheme == "bearer" || asked.scheme == "basic" && a.challenge.scheme != "bearer" {
		a.challenge = asked
	}
	a.drop(bad)
	return nil
}

// want remembers that a repository will be read, for the first token.
func (a *authState) want(repo string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.wanted, repo) {
		a.wanted = append(a.wanted, repo)
	}
}

// credentialsFor returns what a request has to bear, by what its registry asked
// for before.
func (c *Client) credentialsFor(ctx context.Context, r *request, n need) (sent, error) {
	a := &r.ep.auth
	if err := a.acquire(ctx); err != nil {
		return sent{}, err
	}
	defer a.release()
	if n.challenge.scheme == "" {
		n.challenge = a.challenge
	}
	if n.challenge.scheme == "" {
		return sent{}, nil
	}
	cred, err := a.keys.lookup(ctx, r.ep.name, r.repo)
	if err != nil {
		return sent{}, err
	}
	if cred.helper != nil && !a.warned {
		a.warned = true
		c.event(Event{Kind: EventWarning, Host: r.ep.name, Subject: r.what(), Err: cred.helper})
	}
	bears := sent{scheme: n.challenge.scheme, cred: cred}
	switch {
	case bears.scheme == "basic" && cred.username == "" && cred.password == "":
		return sent{cred: credential{helper: cred.helper}}, nil
	case bears.scheme == "basic":
		bears.header = "Basic " + basic(cred.username, cred.password)
		return bears, nil
	case cred.token != "": // stored as a bearer token: nothing to ask for
		bears.header = "Bearer " + cred.token
		return bears, nil
	}
	if failures, err := a.failure(); failures != n.failures {
		return sent{}, &tokenError{r.ep.name, r.shared(err)}
	}
	bears.token, bears.fresh, err = c.tokenFor(ctx, r, cred, n)
	if err != nil {
		if serviceFailed(err) {
			a.fail(err)
		}
		return sent{}, &tokenError{r.ep.name, err}
	}
	bears.header = "Bearer " + bears.token.value
	return bears, nil
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
