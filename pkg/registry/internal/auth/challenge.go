package auth

import (
	"net/http"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// challenge is what a registry asks for with a 401.
type challenge struct {
	scheme  string // "basic", "bearer", or "" if there is none that is understood
	realm   string
	service string
	scopes  []string
}

// maxChallenge bounds the header that is read.
const maxChallenge = 16 << 10

// readChallenge picks the strongest challenge that is understood: bearer before
// basic, since a token can be given away with less harm than a password. If
// none is, other names what is asked for instead, "" for nothing.
func readChallenge(h http.Header) (best challenge, other string) {
	for _, text := range h.Values("Www-Authenticate") {
		for _, ch := range parseChallenges(text) {
			switch {
			case ch.scheme == "bearer" && ch.realm != "":
				return ch, ""
			case ch.scheme == "basic" && best.scheme == "":
				best = ch
			case ch.scheme == "bearer":
				other = "Bearer without a realm"
			case other == "":
				other = wire.Bounded(strings.ToUpper(ch.scheme[:1]) + ch.scheme[1:])
			}
		}
	}
	return best, other
}

// parseChallenges reads a WWW-Authenticate header: challenges with parameters,
// all separated by commas (RFC 9110, 11.6.1). Reading ends at the first thing
// that is not one.
func parseChallenges(text string) (out []challenge) {
	if len(text) > maxChallenge {
		return nil
	}
	s := wire.NewScanner(text)
	for {
		s.Separators()
		word := s.Token()
		if word == "" {
			return out
		}
		if !s.Parameter() {
			out = append(out, challenge{scheme: strings.ToLower(word)})
			s.Token68()
			continue
		}
		if len(out) == 0 {
			return nil
		}
		value, ok := s.Value()
		if !ok {
			return out
		}
		out[len(out)-1].set(strings.ToLower(word), value)
	}
}

func (c *challenge) set(key, value string) {
	switch key {
	case "realm":
		c.realm = value
	case "service":
		c.service = value
	case "scope":
		c.scopes = strings.Fields(value)
	}
}
