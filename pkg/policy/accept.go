package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// Seen is a signature of a release that a rule could accept.
type Seen struct {
	Issuer, Identity string // of a keyless one
	Key              string // else the fingerprint of the key
	KeyFile          string // of that key, as a rule would name it; "" if it is not known
	TrustedRoot      string // as a rule would name it; "" for the public good instance
	Attestation      string // predicate type, where it is no signature
	Verified         bool
	Tried            bool // else nobody knows whether it verifies
}

// Accept returns the trust table, TOML, that would accept a release; "" where
// nothing could be accepted. One scope has one table: who else signed stands in it
// as a comment, but keys that verified, of which a table lists several.
func Accept(scope string, seen []Seen) string {
	var keys, lines []string // files of keys that verified; whole lines of everybody else
	verified := 0            // of lines
	for _, s := range seen {
		if s.Key != "" && s.Verified && s.KeyFile != "" {
			keys = append(keys, diag.Quote(s.KeyFile))
			continue
		}
		switch line := s.line(); {
		case slices.Contains(lines, line):
		case s.Verified:
			lines = slices.Insert(lines, verified, line)
			verified++
		default:
			lines = append(lines, line)
		}
	}
	if len(keys) > 0 {
		slices.Sort(keys)
		lines = slices.Insert(lines, 0, "keys = ["+strings.Join(slices.Compact(keys), ", ")+"]")
	}
	if len(lines) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "[[trust]]\nscope = %s\n%s\n", diag.Quote(scope), lines[0])
	for _, line := range lines[1:] {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	return b.String()
}

func (s Seen) line() string {
	if s.Key != "" {
		return fmt.Sprintf("keys = [\"FILE\"]   # the public key with fingerprint %s", s.Key)
	}
	text := fmt.Sprintf("keyless = { issuer = %s, identity = %s", diag.Quote(s.Issuer), diag.Quote(s.Identity))
	if s.Attestation != "" {
		text += ", attestation = " + diag.Quote(s.Attestation)
	}
	switch {
	case s.TrustedRoot != "":
		return text + ", trusted-root = " + diag.Quote(s.TrustedRoot) + " }"
	case !s.Tried:
		return text + " }   # not verified; a private Sigstore needs its trusted-root = \"FILE\" too"
	}
	return text + " }"
}
