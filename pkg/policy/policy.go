// Package policy holds what `[[trust]]` rules say: which repositories a rule is
// about, and by whose signatures it accepts a release. It verifies nothing.
package policy

import (
	"regexp"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// Policy is the trust rules of one file. The zero value has none.
type Policy struct {
	File  string // where the rules stand
	Rules []Rule // in file order
}

// Rule says what makes a release in a scope acceptable. Exactly one of Keyless,
// Keys and Unsigned is set.
type Rule struct {
	Scope        string        // HOST[/PATH]: this path and all below it
	Keyless      *Keyless      // signed by an identity that an issuer vouches for
	Keys         []string      // absolute paths of PEM public keys, any of which suffices
	Fingerprints []string      // of Keys, in their order: "sha256:" and the hex digest of the key's DER (SubjectPublicKeyInfo)
	Unsigned     bool          // accepted with no signature
	Pos          diag.Position // of the scope's value
}

// Keyless names a signer by the certificate that sigstore issued to it.
type Keyless struct {
	Issuer         string // of the identity token, exactly
	Identity       string // the certificate's subject, exactly; "" where IdentityRegexp is set
	IdentityRegexp string // RE2, for the whole subject; "" where Identity is set
	TrustedRoot    string // absolute path of a private Sigstore's root; "" for the public good instance
	Attestation    string // predicate type of an attestation that is accepted in place of a signature; "" for none
}

// Decide returns the rule with the longest scope that repository (HOST/PATH, no
// tag) is in. governed is false if the file has no rules at all, so that
// nothing is verified; governed with a nil rule means that the repository is
// refused.
func (p *Policy) Decide(repository string) (rule *Rule, governed bool) {
	for i := range p.Rules {
		r := &p.Rules[i]
		if Under(r.Scope, repository) && (rule == nil || len(oneHost(r.Scope)) > len(oneHost(rule.Scope))) {
			rule = r
		}
	}
	return rule, len(p.Rules) > 0
}

// Under reports whether repository is scope, or below it by whole segments:
// ghcr.io/acme/db is under ghcr.io/acme, ghcr.io/acmedb is not. Hosts are
// compared as DNS compares them, whatever their case; Docker Hub's names are one.
func Under(scope, repository string) bool {
	rest, ok := strings.CutPrefix(oneHost(repository), oneHost(scope))
	return ok && (rest == "" || rest[0] == '/')
}

// oneHost writes a reference's host in one spelling: in lower case, without
// HTTPS's own port, and Docker Hub, which has several names, as docker.io. A
// folder stays as it is.
func oneHost(reference string) string {
	if strings.HasPrefix(reference, layoutScheme) {
		return reference
	}
	host, path, below := strings.Cut(reference, "/")
	host = strings.TrimSuffix(strings.ToLower(host), ":443")
	switch host {
	case "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
		host = "docker.io"
	}
	if below {
		host += "/" + path
	}
	return host
}

// Matches reports whether the rule's Keyless accepts a certificate of this issuer
// and identity.
func (k *Keyless) Matches(issuer, identity string) bool {
	if issuer != k.Issuer {
		return false
	}
	if k.IdentityRegexp == "" {
		return identity == k.Identity
	}
	re, err := wholeMatch(k.IdentityRegexp)
	return err == nil && re.MatchString(identity)
}

// Admits reports whether the rule accepts a signer as the lock records it: issuer
// and identity of a keyless signature, or a key's fingerprint; all "" where the
// lock records none.
func (r *Rule) Admits(issuer, identity, key string) bool {
	switch {
	case r.Unsigned:
		return true
	case r.Keyless != nil:
		return key == "" && issuer != "" && r.Keyless.Matches(issuer, identity)
	}
	return slices.Contains(r.Fingerprints, key)
}

// wholeMatch compiles an expression so that it matches whole strings only.
func wholeMatch(expression string) (*regexp.Regexp, error) {
	// By itself first: "a)|(b" is none, but would be one between the brackets.
	if _, err := regexp.Compile(expression); err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?:` + expression + `)\z`)
}
