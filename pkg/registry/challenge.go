package registry

import (
	"net/http"
	"strings"
)

// challenge is what a registry asks for with a 401.
type challenge struct {
	scheme  string // "basic", "bearer", or "" where there is none that is understood
	realm   string
	service string
	scopes  []string
	problem string // the error parameter, insufficient_scope say
}

// maxChallenge bounds the header that is read.
const maxChallenge = 16 << 10

// readChallenge picks the strongest challenge that is understood: bearer before
// basic, since a token can be given away with less harm than a password. Where
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
				other = bounded(strings.ToUpper(ch.scheme[:1]) + ch.scheme[1:])
			}
		}
	}
	return best, other
}

// parseChallenges reads a WWW-Authenticate header: challenges with parameters,
// all separated by commas (RFC 9110, 11.6.1). Reading ends at the first thing
// that is none.
func parseChallenges(text string) (out []challenge) {
	if len(text) > maxChallenge {
		return nil
	}
	s := scanner{text}
	for {
		s.separators()
		word := s.token()
		if word == "" {
			return out
		}
		if !s.peekParameter() {
			out = append(out, challenge{scheme: strings.ToLower(word)})
			s.token68()
			continue
		}
		if len(out) == 0 {
			return nil
		}
		value, ok := s.value()
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
	case "error":
		c.problem = value
	}
}

// scanner reads a header from left to right.
type scanner struct{ rest string }

func (s *scanner) spaces() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *scanner) separators() { s.rest = strings.TrimLeft(s.rest, " \t,") }

// token reads a token of RFC 9110, 5.6.2.
func (s *scanner) token() string {
	n := 0
	for n < len(s.rest) && isTokenByte(s.rest[n]) {
		n++
	}
	word := s.rest[:n]
	s.rest = s.rest[n:]
	return word
}

func isTokenByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// peekParameter tells whether a parameter's = comes next, and reads past it.
func (s *scanner) peekParameter() bool {
	rest := strings.TrimLeft(s.rest, " \t")
	if !strings.HasPrefix(rest, "=") || strings.HasPrefix(rest, "==") {
		return false
	}
	s.rest = rest[1:]
	s.spaces()
	return true
}

// value reads a token or a quoted string.
func (s *scanner) value() (string, bool) {
	if !strings.HasPrefix(s.rest, `"`) {
		// Unquoted realms with / and : are against the grammar, and exist.
		n := strings.IndexAny(s.rest, ", \t")
		if n < 0 {
			n = len(s.rest)
		}
		v := s.rest[:n]
		s.rest = s.rest[n:]
		return v, v != ""
	}
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case '"':
			s.rest = s.rest[i+1:]
			return b.String(), true
		case '\\':
			i++
			if i < len(s.rest) {
				b.WriteByte(s.rest[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// token68 reads past the bare credentials-like word that may follow a scheme
// ("Negotiate YII=").
func (s *scanner) token68() {
	rest := strings.TrimLeft(s.rest, " \t")
	n := strings.IndexAny(rest, ", \t")
	if n < 0 {
		n = len(rest)
	}
	if word := rest[:n]; strings.HasSuffix(word, "=") && strings.IndexByte(word, '"') < 0 {
		s.rest = rest[n:]
	}
}
