package trust

import "github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"

// Signer is who signed: Issuer and Identity of the certificate of a keyless
// signature, or Key. The zero value is nobody.
type Signer struct {
	Issuer   string // URL of the identity provider
	Identity string // what the certificate was issued to
	Key      string // "sha256:" and the hex digest of the public key's DER (SubjectPublicKeyInfo)
}

// IsZero tells whether nobody is named.
func (s Signer) IsZero() bool { return s == Signer{} }

// String returns "key sha256:…", "IDENTITY (ISSUER)" or "nobody known".
func (s Signer) String() string { return artifact.SignerText(s.Issuer, s.Identity, s.Key) }
