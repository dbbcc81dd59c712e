package trust

import (
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore-go/pkg/bundle"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// Form is how a signature is kept.
type Form string

// The forms. What refers to a digest and is neither is FormOther.
const (
	FormBundle Form = "bundle"        // a sigstore bundle that refers to the digest
	FormSimple Form = "simplesigning" // cosign's older form, under the tag sha256-HEX.sig
	FormOther  Form = ""
)

// Finding is something that could be a signature of a digest, and what became
// of it under a rule.
type Finding struct {
	Manifest  digest.Digest // that carries it
	Type      string        // its layer's media type, or the artifact type of what is not a signature
	Form      Form
	Predicate string    // of an in-toto statement
	Signer    Signer    // as it says itself: proven only if it verifies
	Time      time.Time // proven by log or timestamp; zero if neither does
	Verified  bool      // of an Attestation: though it counts as no signature
	Reason    Reason    // why it does not count; "" if nothing speaks against it
	Err       error     // what verification said, nil if Reason says all

	entity  *bundle.Bundle
	payload []byte // of FormSimple: the bytes that were signed
}

// String describes a finding in a line.
func (f Finding) String() string {
	what := string(f.Form)
	if f.Form == FormOther {
		what = f.Type
	}
	text := fmt.Sprintf("%s (%s)", f.Manifest, what)
	if !f.Signer.IsZero() {
		text += " by " + f.Signer.String()
	}
	what = ""
	if f.Predicate != "" && f.Predicate != predicateSign {
		what = ": attestation of type " + f.Predicate
	}
	switch {
	case f.Verified:
		return text + what + ": verified"
	case what != "" && f.Reason != "" && f.Reason != Attestation:
		return text + what + ": " + f.problem().Error()
	case what != "" && f.Err != nil:
		return text + what + ": not verified: " + f.Err.Error()
	case what != "" || f.Reason == "" && f.Err == nil:
		return text + what
	case f.Reason == "":
		return text + ": not verified: " + f.Err.Error()
	}
	return text + ": " + f.problem().Error()
}

// stands reports whether a finding is an attestation that a rule accepts in place of
// a signature.
func (f Finding) stands(rule *policy.Rule) bool {
	return f.Reason == Attestation && rule.Keyless != nil && rule.Keyless.Attestation != "" && rule.Keyless.Attestation == f.Predicate
}

// problem is Reason and Err in one.
func (f Finding) problem() error {
	if f.Err != nil {
		return fmt.Errorf("%s: %w", f.Reason, f.Err)
	}
	return errors.New(string(f.Reason))
}

// refuse returns the finding with why it does not count.
func (f Finding) refuse(r Reason, err error) Finding {
	f.Verified, f.Reason, f.Err = false, r, err
	return f
}
