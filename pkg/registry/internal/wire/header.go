package wire

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxLink bounds the header that is read.
const maxLink = 16 << 10

// NextLink returns the target of a Link header's first link with rel="next"
// (RFC 8288), "" if there is none.
func NextLink(headers []string) string {
	for _, text := range headers {
		if len(text) > maxLink {
			continue
		}
		s := Scanner{text}
		for {
			s.Separators()
			bracketed, isBracketed := strings.CutPrefix(s.rest, "<")
			target, rest, ok := strings.Cut(bracketed, ">")
			if !isBracketed { // against the grammar; a list that ends early would be worse
				target, rest, ok = strings.Cut(s.rest, ";")
				target, rest = strings.TrimSpace(target), ";"+rest
			}
			if !ok {
				break
			}
			s.rest = rest
			if s.relations("next") {
				return target
			}
		}
	}
	return ""
}

// relations reads the parameters of one link and reports whether its rel, a list
// of words, has word.
func (s *Scanner) relations(word string) (found bool) {
	for {
		s.spaces()
		if !strings.HasPrefix(s.rest, ";") {
			return found
		}
		s.rest = s.rest[1:]
		s.spaces()
		key := strings.ToLower(s.Token())
		if key == "" {
			continue
		}
		if !s.Parameter() {
			continue
		}
		value, ok := s.linkValue()
		if !ok {
			return found
		}
		if key == "rel" {
			for _, w := range strings.Fields(value) {
				found = found || strings.EqualFold(w, word)
			}
		}
	}
}

// linkValue is value, ended by a semicolon too.
func (s *Scanner) linkValue() (string, bool) {
	if strings.HasPrefix(s.rest, `"`) {
		return s.Value()
	}
	v := s.Token()
	return v, v != ""
}

const maxWarnings = 10 // of one host

// warn reports what a registry wants its users to know (distribution-spec,
// "Warnings"), each thing once.
func (c *Client) warn(r *Request, h http.Header) {
	for _, text := range h.Values("Warning") {
		rest, own := strings.CutPrefix(text, "299 - ")
		s := Scanner{rest}
		if words, quoted := s.Value(); own && quoted && words != "" && r.Endpoint.news(Bounded(words)) {
			c.Event(Event{Kind: EventWarning, Host: r.host(), Subject: r.host(), Err: errors.New(Bounded(words))})
		}
	}
}

// news reports whether a warning is new.
func (e *Endpoint) news(words string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if slices.Contains(e.warned, words) || len(e.warned) >= maxWarnings {
		return false
	}
	e.warned = append(e.warned, words)
	return true
}

// NextQuery takes the query out of a Link's target. Host, scheme and the folders
// before the list's own name are the registry's: proxies in front of one are
// known to write others or to leave some out, and a page elsewhere would be asked
// with this registry's credentials. list is the name, tags/list for example, and
// path what was asked.
func NextQuery(path, list, target string) (string, bool) {
	u, err := url.Parse(target)
	if err != nil || u.Opaque != "" {
		return "", false
	}
	u = (&url.URL{Path: path}).ResolveReference(u)
	return u.RawQuery, u.RawQuery != "" && strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/"+list)
}

// Scanner reads a header from left to right.
type Scanner struct{ rest string }

// NewScanner returns a Scanner of a header.
func NewScanner(text string) *Scanner { return &Scanner{text} }

// spaces reads past blanks.
func (s *Scanner) spaces() { s.rest = strings.TrimLeft(s.rest, " \t") }

// Separators reads past blanks and commas.
func (s *Scanner) Separators() { s.rest = strings.TrimLeft(s.rest, " \t,") }

// Token reads a token of RFC 9110, 5.6.2.
func (s *Scanner) Token() string {
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

// Parameter reports whether a parameter's = comes next, and reads past it.
func (s *Scanner) Parameter() bool {
	rest := strings.TrimLeft(s.rest, " \t")
	if !strings.HasPrefix(rest, "=") || strings.HasPrefix(rest, "==") {
		return false
	}
	s.rest = rest[1:]
	s.spaces()
	return true
}

// Value reads a token or a quoted string.
func (s *Scanner) Value() (string, bool) {
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

// Token68 reads past the bare credentials-like word that may follow a scheme
// ("Negotiate YII=").
func (s *Scanner) Token68() {
	rest := strings.TrimLeft(s.rest, " \t")
	n := strings.IndexAny(rest, ", \t")
	if n < 0 {
		n = len(rest)
	}
	if word := rest[:n]; strings.HasSuffix(word, "=") && strings.IndexByte(word, '"') < 0 {
		s.rest = rest[n:]
	}
}
