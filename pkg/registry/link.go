package registry

import (
	"net/url"
	"strings"
)

// maxLink bounds the header that is read.
const maxLink = 16 << 10

// nextLink returns the target of a Link header's first link with rel="next"
// (RFC 8288), "" where there is none.
func nextLink(headers []string) string {
	for _, text := range headers {
		if len(text) > maxLink {
			continue
		}
		s := scanner{text}
		for {
			s.separators()
			target, rest, ok := strings.Cut(strings.TrimPrefix(s.rest, "<"), ">")
			if !ok || !strings.HasPrefix(s.rest, "<") {
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

// relations reads the parameters of one link and tells whether its rel, a list
// of words, has word.
func (s *scanner) relations(word string) (found bool) {
	for {
		s.spaces()
		if !strings.HasPrefix(s.rest, ";") {
			return found
		}
		s.rest = s.rest[1:]
		s.spaces()
		key := strings.ToLower(s.token())
		if key == "" {
			continue
		}
		if !s.peekParameter() {
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
func (s *scanner) linkValue() (string, bool) {
	if strings.HasPrefix(s.rest, `"`) {
		return s.value()
	}
	v := s.token()
	return v, v != ""
}

// nextQuery takes the query out of a Link's target. Host, scheme and the folders
// before the list's own name are the registry's: proxies in front of one are
// known to write others or to leave some out, and a page elsewhere would be asked
// with this registry's credentials. list is the name, tags/list for example, and
// path what was asked.
func nextQuery(path, list, target string) (string, bool) {
	u, err := url.Parse(target)
	if err != nil || u.Opaque != "" {
		return "", false
	}
	u = (&url.URL{Path: path}).ResolveReference(u)
	return u.RawQuery, u.RawQuery != "" && strings.HasSuffix(u.Path, "/"+list)
}
