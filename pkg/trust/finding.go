package trust

import (
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore-go/pkg/bundle"
)

// Form is how a signature is kept.
type Form string

// The forms. What refers to a digest and is neither is none of them.
const (
	FormBundle Form = "bundle"        // a sigstore bundle that refers to the digest
	FormSimple Form = "simplesigning" // cosign's older form, under the tag sha256-HEX.sig
	FormOther  Form = ""
)

// Finding is something that could be a signature of a digest, and what became
// of it under a rule.
type Finding struct {
	Manifest  digest.Digest // that carries it
	Type      string        // its layer's media type, or the artifact type of what is no signature
	Form      Form
	Predicate string    // of an in-toto statement
	Signer    Signer    // as it says itself: proven only where it verifies
	Time      time.Time // proven by log or timestamp; zero where neither does
	Verified  bool
	Reason    Reason // why not; "" where nothing was held against it
	Err       error  // what verification said, nil where Reason says all

	entity  *bundle.Bundle
	payload []byte // of FormSimple: the bytes that were signed
}

// String tells a finding in a line.
func (f Finding) String() string {
	what := string(f.Form)
	if f.Form == FormOther {
		what = f.Type
	}
	text := fmt.Sprintf("%s (%s)", f.Manifest, what)
	if !f.Signer.IsZero() {
		text += " by " + f.Signer.String()
	}
	switch {
	case f.Verified:
		return text + ": verified"
	case f.Reason == "" && f.Err == nil:
		return text
	case f.Reason == "":
		return text + ": not verified: " + f.Err.Error()
	}
	text += ": " + string(f.Reason)
	if f.Reason == Attestation {
		text += " of type " + f.Predicate
	}
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return text
}

// refuse returns the finding with why it does not count.
func (f Finding) refuse(r Reason, err error) Finding {
	f.Verified, f.Reason, f.Err = false, r, err
	return f
}
