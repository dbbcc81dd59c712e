package trust

import (
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// Reason is why a signature does not count.
type Reason string

// The reasons, the more telling first: what stands for several signatures of a
// digest is the first that any of them has.
const (
	OtherSigner  Reason = "signed by another" // it may be valid, but the rule does not admit who made it
	Disagreement Reason = "signers differ"    // each platform is signed as the rule asks, and nobody signed all
	Expired      Reason = "expired"           // nothing proves that it was made while its certificate was valid
	NoProof      Reason = "no proof"          // neither the log's inclusion proof nor a signed timestamp, or an altered one
	Invalid      Reason = "invalid"           // the signature is not that of the key or authority
	OtherDigest  Reason = "another digest"    // it is a signature of something else
	Malformed    Reason = "malformed"         // it cannot be read
	TooLarge     Reason = "too large"         // more bytes or signatures than are read
	Attestation  Reason = "attestation"       // a statement about the release, no signature of it
	Unsigned     Reason = "unsigned"          // there is none
)

func reasons() []Reason {
	return []Reason{OtherSigner, Expired, NoProof, Invalid, OtherDigest, Malformed, TooLarge, Attestation}
}

// maxListed is how many signatures an error lists.
const maxListed = 10

// RefusedError says that no signature of a digest satisfies a rule.
type RefusedError struct {
	Repository string
	Digest     digest.Digest
	Rule       policy.Rule
	Reason     Reason
	Found      []Finding // everything that could have been one, in the order read
}

// Error says in one line what is wrong, and then lists every signature found with
// why it does not count and the signer seen.
func (e *RefusedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%s: ", e.Repository, e.Digest)
	rule := fmt.Sprintf("the trust rule for %s (%s)", e.Rule.Scope, e.Rule.Pos)
	switch e.Reason {
	case Unsigned:
		fmt.Fprintf(&b, "has no signature, and %s asks for one", rule)
	case OtherSigner:
		fmt.Fprintf(&b, "is signed by someone other than %s admits", rule)
	case Disagreement:
		fmt.Fprintf(&b, "is signed as %s admits, but not by whoever signed its other platforms", rule)
	case Expired:
		fmt.Fprintf(&b, "its signature has expired, which %s does not admit", rule)
	case NoProof:
		fmt.Fprintf(&b, "its signature comes without the proof that %s asks for", rule)
	default:
		fmt.Fprintf(&b, "has no signature that %s admits", rule)
	}
	for _, f := range e.Found[:min(len(e.Found), maxListed)] {
		b.WriteString("\n  " + f.String())
	}
	if more := len(e.Found) - maxListed; more > 0 {
		fmt.Fprintf(&b, "\n  and %d more", more)
	}
	return b.String()
}

func (e *RefusedError) Kind() fault.Kind { return fault.Integrity }

// Position is the rule's.
func (e *RefusedError) Position() diag.Position { return e.Rule.Pos }

// ScopeError says that a file has trust rules, and none of them is for a
// repository: it is refused.
type ScopeError struct {
	Repository string
	File       string
	Digest     digest.Digest // of the release that was asked about; "" for none
}

func (e *ScopeError) Error() string {
	return fmt.Sprintf("%s: is in the scope of no trust rule of %s", e.Repository, e.File)
}

func (e *ScopeError) Kind() fault.Kind { return fault.Integrity }

// RootError says that the keys and authorities of a Sigstore instance cannot be
// had, so that no keyless signature can be verified.
type RootError struct {
	File    string // the rule's trusted-root; "" for the public good instance
	Offline bool   // it would have to be fetched
	Err     error  // nil if Offline
}

func (e *RootError) Error() string {
	switch {
	case e.File != "":
		return fmt.Sprintf("%s: trusted root: %v", e.File, e.Err)
	case e.Offline:
		return "trusted root of sigstore.dev: is not cached, and offline it cannot be fetched"
	}
	return fmt.Sprintf("trusted root of sigstore.dev: %v", e.Err)
}

// Kind is fault.Usage for a rule's own file, and fault.Unreachable if the
// public good instance's could not be fetched.
func (e *RootError) Kind() fault.Kind {
	switch {
	case e.File != "":
		return fault.Usage
	case e.Offline:
		return fault.Failure
	}
	return fault.Unreachable
}

func (e *RootError) Unwrap() error { return e.Err }

// KeyError says why a key cannot be used.
type KeyError struct {
	File    string
	Problem string
	Locked  bool // the password is missing or wrong
	Foreign bool // it is encrypted in another way than cosign's
}

func (e *KeyError) Error() string    { return e.File + ": " + e.Problem }
func (e *KeyError) Kind() fault.Kind { return fault.Failure }
