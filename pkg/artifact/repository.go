package artifact

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// LayoutScheme stands before a folder, relative to the project's, that holds
// an OCI image layout in place of a registry's repository.
const LayoutScheme = "oci-layout:"

// maxRepository is the longest repository name, in bytes (the limit of
// distribution's reference grammar).
const maxRepository = 255

// RepositoryError says why a string is not a repository.
type RepositoryError struct {
	Text   string
	Reason string
}

func (e *RepositoryError) Error() string    { return fmt.Sprintf("repository %q: %s", e.Text, e.Reason) }
func (e *RepositoryError) Kind() fault.Kind { return fault.Usage }

// CheckRepository returns a *RepositoryError where s is neither HOST[:PORT]/PATH
// in the grammar of distribution's references (no scheme, tag or digest; the
// path in lower case) nor oci-layout:DIR with a relative folder that has no
// "..". Both come from pull requests, and end in URLs and file paths.
func CheckRepository(s string) error {
	if reason := repositoryReason(s); reason != "" {
		return &RepositoryError{s, reason}
	}
	return nil
}

// Reference joins a repository and a tag or digest in it, either of which can be
// missing, as references are written.
func Reference(repository, reference string) string {
	switch {
	case reference == "":
		return repository
	case repository == "":
		return reference
	case strings.Contains(reference, ":"):
		return repository + "@" + reference
	}
	return repository + ":" + reference
}

func repositoryReason(s string) string {
	switch {
	case s == "":
		return "is empty"
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
		return "has white space or control characters"
	case strings.Contains(s, "://"):
		return "begins with the host, without a scheme"
	}
	if dir, ok := strings.CutPrefix(s, LayoutScheme); ok {
		return layoutReason(dir)
	}
	host, path, ok := strings.Cut(s, "/")
	switch {
	case len(s) > maxRepository:
		return fmt.Sprintf("has %d characters, at most %d are allowed", len(s), maxRepository)
	case !ok:
		return "write HOST/PATH, like docker.io/schemahero/plugin-postgres"
	case !isHost(host):
		return fmt.Sprintf("%q is not a host", host)
	}
	for segment := range strings.SplitSeq(path, "/") {
		if !isPathSegment(segment) {
			if isPathSegment(strings.ToLower(segment)) { // like the owner of a repository on GitHub
				return fmt.Sprintf("has capital letters in its path: write %s/%s", host, strings.ToLower(path))
			}
			return fmt.Sprintf("%q is not part of a repository's path: a-z and 0-9, with . _ __ or - between them", segment)
		}
	}
	return ""
}

func layoutReason(dir string) string {
	if strings.ContainsAny(dir, `\:`) {
		return `the folder has \ or : in its name`
	}
	for segment := range strings.SplitSeq(dir, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return "the folder must be relative, without empty, . or .. parts"
		}
	}
	return ""
}

// isHost reads domain[:port] and [IPv6][:port].
func isHost(s string) bool {
	if rest, ok := strings.CutPrefix(s, "["); ok {
		address, port, closed := strings.Cut(rest, "]")
		hex := strings.Trim(address, "0123456789abcdefABCDEF:") == ""
		return closed && hex && strings.Count(address, ":") >= 2 && (port == "" || port[0] == ':' && isPort(port[1:]))
	}
	domain, port, hasPort := strings.Cut(s, ":")
	if hasPort && !isPort(port) {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !isAlphanumeric(c|0x20) && c != '-' || c >= 0x80 {
				return false
			}
		}
	}
	return true
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '0'
}

// isPathSegment reports whether s is [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*.
func isPathSegment(s string) bool {
	if s == "" || !isAlphanumeric(s[0]) || !isAlphanumeric(s[len(s)-1]) {
		return false
	}
	for i := 0; i < len(s); {
		if isAlphanumeric(s[i]) {
			i++
			continue
		}
		begin := i
		for !isAlphanumeric(s[i]) { // ends: the last byte is alphanumeric
			i++
		}
		switch separator := s[begin:i]; {
		case separator == ".", separator == "_", separator == "__":
		case strings.Trim(separator, "-") == "":
		default:
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
