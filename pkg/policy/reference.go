package policy

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// layoutScheme begins a reference to an OCI image layout in a folder, in place
// of a registry: oci-layout:vendor/plugins.
const layoutScheme = "oci-layout:"

// maxReference is the longest HOST/PATH that registries take (distribution's
// reference package, NameTotalLengthMax).
const maxReference = 255

// ReferenceError says why a string names no registry or repository.
type ReferenceError struct {
	Reference string
	Reason    string
}

func (e *ReferenceError) Error() string    { return fmt.Sprintf("%q %s", e.Reference, e.Reason) }
func (e *ReferenceError) Kind() fault.Kind { return fault.Usage }

// CheckReference returns a *ReferenceError where s is not HOST[:PORT][/PATH], as
// registries, repositories and scopes are written: without scheme, tag and
// digest. The host must be told apart from a path as Docker does it, by a dot, a
// port or the name localhost. The reason says what to write instead where that
// is clear.
func CheckReference(s string) error {
	if reason := referenceProblem(s); reason != "" {
		return &ReferenceError{s, reason}
	}
	return nil
}

func referenceProblem(s string) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > maxReference:
		return fmt.Sprintf("has %d characters, at most %d are allowed", len(s), maxReference)
	case strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }):
		return "has a blank or an invisible character in it"
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		return fmt.Sprintf("has a scheme: write %s without %s://", strings.TrimSuffix(rest, "/"), scheme)
	}
	if strings.HasSuffix(s, "/") {
		return "ends in a slash"
	}
	if name, _, ok := strings.Cut(s, "@"); ok && strings.Contains(name, "/") {
		return fmt.Sprintf("has a digest in it: write %s", name)
	}
	host, path, _ := strings.Cut(s, "/")
	if !isHost(host) {
		if !strings.ContainsAny(host, ".:") {
			return fmt.Sprintf("names no host: write docker.io/%s for Docker Hub", s)
		}
		return fmt.Sprintf("has no valid host: %q", host)
	}
	if path == "" {
		return ""
	}
	if name, tag, ok := strings.Cut(path, ":"); ok {
		return fmt.Sprintf("has a tag in it: write %s/%s without :%s", host, name, tag)
	}
	for segment := range strings.SplitSeq(path, "/") {
		if !isSegment(segment) {
			if isSegment(strings.ToLower(segment)) {
				return fmt.Sprintf("has capital letters in its path: write %s/%s", host, strings.ToLower(path))
			}
			return fmt.Sprintf("has no valid path: %q", segment)
		}
	}
	return ""
}

// isHost reports whether s is localhost, a name or address with a dot, or has a
// port.
func isHost(s string) bool {
	name, port, hasPort := strings.Cut(s, ":")
	if strings.HasPrefix(s, "[") { // an IPv6 address
		end := strings.IndexByte(s, ']')
		if end < 3 || strings.Trim(s[1:end], "0123456789abcdefABCDEF:.") != "" {
			return false
		}
		if s[end+1:] == "" {
			return true
		}
		name, port, hasPort = "localhost", strings.TrimPrefix(s[end+1:], ":"), s[end+1] == ':'
		if !hasPort {
			return false
		}
	}
	if hasPort && (port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "") {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return hasPort || name == "localhost" || strings.Contains(name, ".")
}

func isLabel(s string) bool {
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '-' {
			return false
		}
	}
	return s != "" && s[0] != '-' && s[len(s)-1] != '-'
}

// isSegment reports whether s has only lower-case letters, digits, dots, dashes
// and underscores, and a letter or digit at both ends.
func isSegment(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case (c == '.' || c == '_' || c == '-') && i > 0 && i < len(s)-1:
		default:
			return false
		}
	}
	return s != ""
}
