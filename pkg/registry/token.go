package registry

import (
	"context"
	"errors"
	"slices"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
)

const (
	maxTokenAnswer = 128 << 10
	maxTokenScopes = 32               // a token's URL stays below what servers take
	tokenLifetime  = 60 * time.Second // where the service does not say (distribution, "Token Response Fields")
	tokenMargin    = 5 * time.Second  // clocks and the way there
)

// token is one that a token service gave.
type token struct {
	value   string
	key     string   // of the credential that it was given for
	scopes  []string // what it is good for, in auth.CleanScopes' form
	expires time.Time
	exact   bool // was asked for one request alone
}

// covers tells whether the token is good for all scopes.
func (t *token) covers(scopes []string) bool {
	all := slices.Concat(t.scopes, scopes)
	return slices.Equal(auth.CleanScopes(all), t.scopes)
}

func (a *authState) drop(bad *token) {
	a.tokens = slices.DeleteFunc(a.tokens, func(t *token) bool { return t == bad })
}

// tokenFor returns a token that covers a request, the one at hand or a new one.
// A new one is asked for all repositories that will be read with the same
// credential, where that does: one request for many.
func (c *Client) tokenFor(ctx context.Context, r *request, cred credential, n need) (t *token, fresh bool, err error) {
	a := &r.ep.auth
	now := c.now()
	a.tokens = slices.DeleteFunc(a.tokens, func(t *token) bool { return !now.Before(t.expires) })
	scopes := auth.CleanScopes(slices.Concat(r.scopes, n.extra))
	if !n.exact {
		for _, t := range a.tokens {
			if t.key == cred.key && t.covers(scopes) {
				return t, false, nil
			}
		}
		many, err := a.withWanted(ctx, r, cred, scopes)
		if err != nil {
			return nil, false, err
		}
		if len(many) > len(scopes) {
			t, err := c.fetchToken(ctx, r, cred, n, many)
			switch {
			case err == nil:
				a.tokens = append(a.tokens, t)
				if t.covers(scopes) {
					return t, true, nil
				}
			case refusal(err):
				a.oneByOne = true
			default:
				return nil, false, err
			}
		}
	}
	t, err = c.fetchToken(ctx, r, cred, n, scopes)
	if err != nil {
		return nil, false, err
	}
	t.exact = true
	// Whether it does is for the registry to say, whatever the token claims.
	t.scopes = auth.CleanScopes(slices.Concat(t.scopes, scopes))
	a.tokens = append(a.tokens, t)
	return t, true, nil
}

// withWanted adds the repositories that will be read, those with the same
// credential and no token yet.
func (a *authState) withWanted(ctx context.Context, r *request, cred credential, scopes []string) ([]string, error) {
	if a.oneByOne {
		return scopes, nil
	}
	a.mu.Lock()
	wanted := slices.Clone(a.wanted)
	a.mu.Unlock()
	out := slices.Clone(scopes)
	for _, repo := range wanted {
		if len(out) >= maxTokenScopes {
			break
		}
		scope := []string{auth.ScopeRepository(repo, auth.ActionPull)}
		if repo == r.repo || slices.ContainsFunc(a.tokens, func(t *token) bool { return t.key == cred.key && t.covers(scope) }) {
			continue
		}
		other, err := a.keys.lookup(ctx, r.ep.name, repo)
		if err != nil {
			return nil, err
		}
		if other.key == cred.key {
			out = append(out, scope...)
		}
	}
	return auth.CleanScopes(out), nil
}

// refusal tells whether a token service said no to what was asked, rather than
// to the credentials or nothing at all.
func refusal(err error) bool {
	if denied, ok := errors.AsType[*AuthError](err); ok {
		return denied.Cause != AuthWrong
	}
	var status *StatusError
	return errors.As(err, &status) && !retriable(err)
}

// tokenError wraps why no token could be had. Its tries are used up: the request
// that needs the token is not tried again for it.
type tokenError struct {
	registry string // whose token service it is: nobody named that host
	err      error
}

func (e *tokenError) Error() string {
	if errors.As(e.err, new(*UnreachableError)) || errors.As(e.err, new(*TLSError)) || errors.As(e.err, new(*SchemeError)) {
		return e.registry + ": its token service " + e.err.Error()
	}
	return e.err.Error()
}

func (e *tokenError) Unwrap() error { return e.err }

// serviceFailed tells whether an error is about the token service, not about
// what it was asked for.
func serviceFailed(err error) bool { return retriable(err) || unreachable(err) }

// shared is a failure of the token service, for another request that waited for
// it: of this one's repository.
func (r *request) shared(err error) error {
	if status, ok := errors.AsType[*StatusError](err); ok {
		own := *status
		own.Repository, own.Reference = r.name, r.reference
		return &own
	}
	return err
}
