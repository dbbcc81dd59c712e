package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// A token service is asked as seldom as it allows. The first request for a token
// names all repositories that will be read with the same credential, and every
// token is kept until it expires: the next repository finds the one that covers
// it. Some services refuse several repositories at once, or grant less than they
// were asked for. Then, and if the registry refuses the token, only the scopes of
// the one request are asked for. Such a token is exact: if the registry refuses even
// that one, the credential does not suffice.

const (
	maxTokenAnswer = 128 << 10
	maxTokenScopes = 32               // a token's URL stays below what servers take
	tokenLifetime  = 60 * time.Second // if the service does not say (distribution, "Token Response Fields")
	tokenMargin    = 5 * time.Second  // clocks and the way there
)

// token is one that a token service gave.
type token struct {
	value   string
	key     string   // of the credential that it was given for
	scopes  []string // what it grants, in auth.CleanScopes' form
	expires time.Time
	exact   bool // was asked for one request alone
}

// covers reports whether the token grants all scopes.
func (t *token) covers(scopes []string) bool {
	all := slices.Concat(t.scopes, scopes)
	return slices.Equal(auth.CleanScopes(all), t.scopes)
}

func (s *Session) drop(bad *token) {
	s.tokens = slices.DeleteFunc(s.tokens, func(t *token) bool { return t == bad })
}

// tokenFor returns a token that covers a request, one that was kept or a new one.
// A new one is asked for all repositories that will be read with the same
// credential, if that does: one request for many.
func (s *Session) tokenFor(ctx context.Context, r *wire.Request, cred credential, n need) (t *token, fresh bool, err error) {
	now := s.wire.Now()
	s.tokens = slices.DeleteFunc(s.tokens, func(t *token) bool { return !now.Before(t.expires) })
	scopes := auth.CleanScopes(slices.Concat(r.Scopes, n.extra))
	if !n.exact {
		for _, t := range s.tokens {
			if t.key == cred.key && t.covers(scopes) {
				return t, false, nil
			}
		}
		many, err := s.withWanted(ctx, r, cred, scopes)
		if err != nil {
			return nil, false, err
		}
		if len(many) > len(scopes) {
			t, err := s.fetchToken(ctx, r, cred, n, many)
			switch {
			case err == nil:
				s.tokens = append(s.tokens, t)
				if t.covers(scopes) {
					return t, true, nil
				}
			case refusal(err):
				s.oneByOne = true
			default:
				return nil, false, err
			}
		}
	}
	t, err = s.fetchToken(ctx, r, cred, n, scopes)
	if err != nil {
		return nil, false, err
	}
	t.exact = true
	// The registry decides whether it suffices, whatever the token claims.
	t.scopes = auth.CleanScopes(slices.Concat(t.scopes, scopes))
	s.tokens = append(s.tokens, t)
	return t, true, nil
}

// withWanted adds the repositories that will be read, those with the same
// credential and no token yet.
func (s *Session) withWanted(ctx context.Context, r *wire.Request, cred credential, scopes []string) ([]string, error) {
	if s.oneByOne {
		return scopes, nil
	}
	s.mu.Lock()
	wanted := slices.Clone(s.wanted)
	s.mu.Unlock()
	out := slices.Clone(scopes)
	for _, repo := range wanted {
		if len(out) >= maxTokenScopes {
			break
		}
		scope := []string{auth.ScopeRepository(repo, auth.ActionPull)}
		if repo == r.Repo || slices.ContainsFunc(s.tokens, func(t *token) bool { return t.key == cred.key && t.covers(scope) }) {
			continue
		}
		other, err := s.keys.lookup(ctx, s.name, repo)
		if err != nil {
			return nil, err
		}
		if other.key == cred.key {
			out = append(out, scope...)
		}
	}
	return auth.CleanScopes(out), nil
}

// refusal reports whether a token service said no to what was asked, rather than
// to the credentials or nothing at all.
func refusal(err error) bool {
	if denied, ok := errors.AsType[*wire.AuthError](err); ok {
		return denied.Cause != wire.AuthWrong
	}
	var status *wire.StatusError
	return errors.As(err, &status) && !wire.Retriable(err)
}

// shared is a failure of the token service, for another request that waited for
// it: of this one's repository.
func shared(r *wire.Request, err error) error {
	if status, ok := errors.AsType[*wire.StatusError](err); ok {
		own := *status
		own.Repository, own.Reference = r.Name, r.Reference
		return &own
	}
	return err
}
