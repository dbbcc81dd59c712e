// Package auth answers a registry that asks who is there: with credentials from
// where docker and podman keep them, and with the tokens that its token service
// gives for them.
package auth

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"sync"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// Session is what one registry is known to ask for, and the tokens that it gave.
// It is the registry's wire.Authority.
type Session struct {
	wire *wire.Client
	name string // the registry's
	keys *Keyring

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

// NewSession returns the Session of a registry, by its name.
func NewSession(c *wire.Client, name string, keys *Keyring) *Session {
	return &Session{wire: c, name: name, keys: keys, lock: make(chan struct{}, 1)}
}

// Want remembers that a repository will be read, for the first token.
func (s *Session) Want(repo string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.wanted, repo) {
		s.wanted = append(s.wanted, repo)
	}
}

// Asks returns what the registry asks for, "basic", "bearer" or "" if it has
// asked for nothing, and whose credentials it gets then.
func (s *Session) Asks(ctx context.Context) (scheme, username string, err error) {
	if err := s.acquire(ctx); err != nil {
		return "", "", err
	}
	defer s.release()
	if s.challenge.scheme == "" {
		return "", "", nil
	}
	cred, err := s.keys.lookup(ctx, s.name, "")
	return s.challenge.scheme, cred.username, err
}

// failure returns how often the token service has failed, and the last time's
// error.
func (s *Session) failure() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures, s.failed
}

func (s *Session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures, s.failed = s.failures+1, err
}

func (s *Session) acquire(ctx context.Context) error {
	select {
	case s.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Session) release() { <-s.lock }

// attempt is one try of a request. The first one to a registry sends nothing; a
// 401 then says what is wanted. A token that does not do, because it has expired
// or was granted for less than was asked, is replaced once, by one for this very
// request. If it is refused and another scheme asked for, that is tried once; if nothing is asked for, Basic is.
type attempt struct {
	s    *Session
	r    *wire.Request
	need need
	sent sent

	denied           *wire.AuthError // the last refusal
	bare             *wire.AuthError // one that asked for nothing, to which Basic is the reply
	replaced, turned bool
}

// need is what a request has to send beyond what its registry is known to ask
// for.
type need struct {
	over      string    // the scheme that the registry is asked over, "http" or "https"
	challenge challenge // of this request alone
	extra     []string  // scopes that the registry named
	exact     bool      // a new token, for this request alone
	// failures is how often the token service had failed when the request began. If
	// it has failed since, the request fails with it: it has waited for those tries.
	failures int
}

// sent is what a request carried.
type sent struct {
	scheme string // "basic", "bearer", or "" for nothing
	header string
	cred   credential // empty for anonymous requests
	token  *token     // one that a token service gave, or nil
	fresh  bool       // the token was fetched for this request
}

// Begin implements wire.Authority.
func (s *Session) Begin(r *wire.Request, scheme string) wire.Attempt {
	a := &attempt{s: s, r: r, need: need{over: scheme}}
	a.need.failures, _ = s.failure()
	return a
}

// Header implements wire.Attempt.
func (a *attempt) Header(ctx context.Context) (header string, err error) {
	if a.sent, err = a.s.authorization(ctx, a.r, a.need); err != nil {
		return "", err
	}
	if a.denied != nil && a.sent.header == "" {
		a.denied.Helper = a.sent.cred.helper
		return "", a.denied
	}
	return a.sent.header, nil
}

// Refused implements wire.Attempt.
func (a *attempt) Refused(ctx context.Context, resp *http.Response) error {
	defer resp.Body.Close()
	asked, other := readChallenge(resp.Header)
	a.denied = a.refusal(resp)
	bare := resp.StatusCode == http.StatusUnauthorized && asked.scheme == "" && other == ""
	if bare && a.bare != nil {
		return a.bare // it was not Basic that was meant
	}
	if a.sent.header == "" && asked.scheme == "" {
		a.denied.Cause, a.denied.Scheme = unasked(resp.StatusCode), other
	}
	if bare && a.sent.header == "" {
		a.bare, a.need.challenge.scheme = a.denied, "basic"
		return nil
	}
	t := a.sent.token
	anonymous := a.sent.header == "" && asked.scheme != ""
	turn := !a.turned && a.sent.header != "" && asked.scheme != "" && asked.scheme != a.sent.scheme
	stale := !turn && t != nil && !a.replaced && !(a.sent.fresh && t.exact && t.covers(asked.scopes))
	if !anonymous && !stale && !turn {
		return a.denied
	}
	if err := a.s.learn(ctx, asked, t); err != nil {
		return err
	}
	a.replaced, a.turned = a.replaced || stale, a.turned || turn
	a.need.challenge, a.need.extra, a.need.exact = asked, asked.scopes, stale
	return nil
}

// refusal makes the error of a 401 or 403.
func (a *attempt) refusal(resp *http.Response) *wire.AuthError {
	cred := a.sent.cred
	e := &wire.AuthError{
		Registry: a.s.name, Repository: a.r.Name, Cause: wire.AuthWrong,
		Username: cred.username, Source: cred.source, Helper: cred.helper,
		Codes: wire.ReadCodes(resp.Body),
	}
	switch {
	case cred.empty():
		e.Cause = wire.AuthMissing
	case resp.StatusCode == http.StatusForbidden, a.sent.token != nil:
		e.Cause = wire.AuthInsufficient // a token service has accepted them
	}
	return e
}

// unasked is the kind of a refusal that asks for nothing that could be sent:
// whether credentials are stored does not matter then.
func unasked(status int) wire.AuthKind {
	if status == http.StatusForbidden {
		return wire.AuthDenied
	}
	return wire.AuthUnsupported
}

// learn keeps what a 401 asks for, and drops a token that did not do. Basic in
// place of a token that was refused is for one request: others can need the
// token.
func (s *Session) learn(ctx context.Context, asked challenge, bad *token) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	if asked.scheme == "bearer" || asked.scheme == "basic" && s.challenge.scheme != "bearer" {
		s.challenge = asked
	}
	s.drop(bad)
	return nil
}

// authorization returns what a request has to send, by what its registry asked for
// before.
func (s *Session) authorization(ctx context.Context, r *wire.Request, n need) (sent, error) {
	if err := s.acquire(ctx); err != nil {
		return sent{}, err
	}
	defer s.release()
	if n.challenge.scheme == "" {
		n.challenge = s.challenge
	}
	if n.challenge.scheme == "" {
		return sent{}, nil
	}
	cred, err := s.keys.lookup(ctx, s.name, r.Repo)
	if err != nil {
		return sent{}, err
	}
	if cred.helper != nil && !s.warned {
		s.warned = true
		s.wire.Event(wire.Event{Kind: wire.EventWarning, Host: s.name, Subject: r.Subject(), Err: cred.helper})
	}
	out := sent{scheme: n.challenge.scheme, cred: cred}
	switch {
	case out.scheme == "basic" && cred.username == "" && cred.password == "":
		return sent{cred: credential{helper: cred.helper}}, nil
	case out.scheme == "basic":
		out.header = "Basic " + basic(cred.username, cred.password)
		return out, nil
	case cred.token != "": // stored as a bearer token: nothing to ask for
		out.header = "Bearer " + cred.token
		return out, nil
	}
	if failures, err := s.failure(); failures != n.failures {
		return sent{}, &wire.TokenError{Registry: s.name, Err: shared(r, err)}
	}
	out.token, out.fresh, err = s.tokenFor(ctx, r, cred, n)
	if err != nil {
		if wire.Retriable(err) || wire.Unreachable(err) { // it is about the service, not about what it was asked for
			s.fail(err)
		}
		return sent{}, &wire.TokenError{Registry: s.name, Err: err}
	}
	out.header = "Bearer " + out.token.value
	return out, nil
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
