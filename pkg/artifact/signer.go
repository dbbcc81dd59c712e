package artifact

import "strings"

// Signer is who signed a release: Issuer and Identity of the certificate of a
// keyless signature, or Key. The zero value is nobody.
type Signer struct {
	Issuer   string // URL of the identity provider
	Identity string // what the certificate was issued to, a URL or an address
	Key      string // "sha256:" and the hex digest of the public key's DER (SubjectPublicKeyInfo)
}

// IsZero reports whether nobody is named.
func (s Signer) IsZero() bool { return s == Signer{} }

// String returns "key sha256:…", "IDENTITY (ISSUER)" or "nobody".
func (s Signer) String() string {
	switch {
	case s.Key != "":
		return "key " + s.Key
	case s.Identity != "" || s.Issuer != "":
		return s.Identity + " (" + s.Issuer + ")"
	}
	return "nobody"
}

// Equal reports whether both are written alike; nil is none.
func (s *Signer) Equal(t *Signer) bool {
	if s == nil || t == nil {
		return s == t
	}
	return *s == *t
}

// SameSigner reports whether both name one signer: a key, or an issuer with an
// identity. A workflow's identity ends in the branch or tag that it ran for,
// which tells its releases apart and not its owner. Nil is nobody's signature.
func (s *Signer) SameSigner(t *Signer) bool {
	if s == nil || t == nil {
		return s == t
	}
	workflow := func(s *Signer) string {
		before, _, _ := strings.Cut(s.Identity, "@refs/")
		return before
	}
	return s.Key == t.Key && s.Issuer == t.Issuer && workflow(s) == workflow(t)
}
