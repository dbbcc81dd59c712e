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
	header string
	cred   credential // empty for anonymous requests
	token  *token     // one that a token service gave, or nil
	fresh  bool       // the token was fetched for this request
}

// authorized sends a request with what its registry asks for. The first one to
// a registry bears nothing; a 401 then says what is wanted. A token that does
// not do, because it has expired or was granted for less than was asked, is
// replaced once, by one for this very request.
func (c *Client) authorized(ctx context.Context, r *request, scheme string) (*http.Response, error) {
	seen, _ := r.ep.auth.failure()
	bears, err := c.credentialsFor(ctx, r, nil, false, seen)
	if err != nil {
		return nil, err
	}
	for replaced := false; ; {
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
		if !refused || origin(resp.Request.URL) != origin(req.URL) {
			return nil, c.failure(r, resp)
		}
		asked, other := readChallenge(resp.Header)
		denied := r.denied(bears, resp)
		if bears.header == "" && asked.scheme == "" {
			denied.Cause, denied.Scheme = unasked(resp.StatusCode), other
		}
		resp.Body.Close()

		anonymous := bears.header == "" && asked.scheme != ""
		stale := bears.token != nil && !replaced && !(bears.fresh && bears.token.exact && bears.token.covers(asked.scopes))
		if !anonymous && !stale {
			return nil, denied
		}
		if err := r.ep.auth.learn(ctx, asked, bears.token); err != nil {
			return nil, err
		}
		replaced = replaced || stale
		if bears, err = c.credentialsFor(ctx, r, asked.scopes, stale, seen); err != nil {
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

// learn keeps what a 401 asks for, and drops a token that did not do.
func (a *authState) learn(ctx context.Context, asked challenge, bad *token) error {
	if err := a.acquire(ctx); err != nil {
		return err
	}
	defer a.release()
	if asked.scheme != "" {
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
// for before. extra are scopes that the registry named; exact asks for a new
// token, good for this request alone. seen is how often the token service had
// failed when the request began: it shares a failure since then, whose tries it
// has waited for.
func (c *Client) credentialsFor(ctx context.Context, r *request, extra []string, exact bool, seen int) (sent, error) {
	a := &r.ep.auth
	if err := a.acquire(ctx); err != nil {
		return sent{}, err
	}
	defer a.release()
	if a.challenge.scheme == "" {
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
	switch {
	case a.challenge.scheme == "basic" && cred.username == "" && cred.password == "":
		return sent{cred: credential{helper: cred.helper}}, nil
	case a.challenge.scheme == "basic":
		return sent{header: "Basic " + basic(cred.username, cred.password), cred: cred}, nil
	case cred.token != "": // stored as a bearer token: nothing to ask for
		return sent{header: "Bearer " + cred.token, cred: cred}, nil
	}
	if failures, err := a.failure(); failures != seen {
		return sent{}, &tokenError{r.ep.name, r.shared(err)}
	}
	t, fresh, err := c.tokenFor(ctx, r, cred, extra, exact)
	if err != nil {
		if serviceFailed(err) {
			a.fail(err)
		}
		return sent{}, &tokenError{r.ep.name, err}
	}
	return sent{header: "Bearer " + t.value, cred: cred, token: t, fresh: fresh}, nil
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
