package trust

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// check checks one finding against a rule that asks for a signature. An error
// means that nothing can be said: a root or the network is out of reach.
func (v *Verifier) check(ctx context.Context, c *collector, f Finding, rule *policy.Rule) (Finding, error) {
	if f.stands(rule) {
		f.Reason = ""
	}
	if f.entity == nil || f.Reason != "" {
		return f, nil
	}
	artifact, err := signedBytes(ctx, c, f)
	if err != nil {
		return f, err
	}
	if rule.Keyless != nil {
		f, err = v.checkKeyless(ctx, f, artifact, rule)
	} else {
		f, err = v.checkRuleKeys(f, artifact, rule)
	}
	if err != nil || !f.Verified {
		return f, err
	}
	if f.payload != nil {
		if named := simpleDigest(f.payload); named != c.subject.String() {
			return f.refuse(OtherDigest, errors.New("its payload names "+cmp.Or(named, "nothing"))), nil
		}
	}
	return f, nil
}

// signedBytes says what a finding must be a signature of: the payload of the
// older form, the subject itself if a bundle signs bytes, and otherwise a
// statement about the subject's digest.
func signedBytes(ctx context.Context, c *collector, f Finding) (func() verify.ArtifactPolicyOption, error) {
	if f.payload != nil {
		return func() verify.ArtifactPolicyOption { return verify.WithArtifact(bytes.NewReader(f.payload)) }, nil
	}
	if f.entity.GetMessageSignature() != nil {
		if c.body == nil {
			_, data, err := c.src.Manifest(ctx, c.subject.String())
			if err != nil {
				return nil, err
			}
			c.body = data
		}
		return func() verify.ArtifactPolicyOption { return verify.WithArtifact(bytes.NewReader(c.body)) }, nil
	}
	sum, err := hex.DecodeString(c.subject.Encoded())
	return func() verify.ArtifactPolicyOption {
		return verify.WithArtifactDigest(c.subject.Algorithm().String(), sum)
	}, err
}

func (v *Verifier) checkRuleKeys(f Finding, artifact func() verify.ArtifactPolicyOption, rule *policy.Rule) (Finding, error) {
	var keys []*publicKey
	for _, file := range rule.Keys {
		key, err := v.key(file)
		if err != nil {
			return f, err
		}
		// The rule was read with its keys; a file that was replaced since is another rule.
		if rule.Admits("", "", key.print) {
			keys = append(keys, key)
		}
	}
	return checkKeys(f, artifact, keys)
}

func checkKeys(f Finding, artifact func() verify.ArtifactPolicyOption, keys []*publicKey) (Finding, error) {
	if content, err := f.entity.VerificationContent(); err != nil || content.Certificate() != nil {
		return f.refuse(OtherSigner, errors.New("is signed with a certificate, and a key is asked for")), nil
	}
	var last error
	for _, key := range keys {
		for _, verifier := range key.verifiers {
			engine, err := verify.NewVerifier(keyMaterial(verifier), verify.WithNoObserverTimestamps(), verify.WithoutStatementPredicate())
			if err != nil {
				return f, err
			}
			_, err = engine.Verify(f.entity, verify.NewPolicy(artifact(), verify.WithKey()))
			if err == nil {
				f.Signer, f.Verified = Signer{Key: key.print}, true
				return f, nil
			}
			last = moreTelling(last, err)
		}
	}
	return f.refuse(keyReason(f, last, keys), last), nil
}

// moreTelling prefers what a key that fits says to what the others say.
func moreTelling(a, b error) error {
	if b == nil || a != nil && aboutDigest(a) {
		return a
	}
	return b
}

// aboutDigest reports whether a signature is good and of something else.
// sigstore-go has no types for its errors.
func aboutDigest(err error) bool {
	text := err.Error()
	return strings.Contains(text, "does not match digest") || strings.Contains(text, "digests in statement") ||
		strings.Contains(text, "any digest in statement") || strings.Contains(text, "does not match message digest")
}

// keyReason distinguishes a signature that is not what it should be from one by
// another key, as far as the signature hints at its key; the older form does not.
func keyReason(f Finding, err error, keys []*publicKey) Reason {
	switch {
	case err != nil && aboutDigest(err):
		return OtherDigest
	case slices.ContainsFunc(keys, func(k *publicKey) bool { return k.print == f.Signer.Key }):
		return Invalid
	}
	return OtherSigner
}

func (v *Verifier) checkKeyless(ctx context.Context, f Finding, artifact func() verify.ArtifactPolicyOption, rule *policy.Rule) (Finding, error) {
	content, err := f.entity.VerificationContent()
	if err != nil {
		return f.refuse(Malformed, err), nil
	}
	leaf := content.Certificate()
	if leaf == nil {
		return f.refuse(OtherSigner, errors.New("is signed with a key, and an identity is asked for")), nil
	}
	material, err := v.material(ctx, rule.Keyless.TrustedRoot)
	if err != nil {
		return f, err
	}
	engine, err := verify.NewVerifier(material, proofOptions(material)...)
	if err != nil {
		return f, err
	}
	result, err := engine.Verify(f.entity, verify.NewPolicy(artifact(), verify.WithoutIdentitiesUnsafe()))
	if err != nil {
		return f.refuse(v.keylessReason(f, leaf.NotAfter, err), err), nil
	}
	f.Signer = certified(result.Signature.Certificate)
	for _, t := range result.VerifiedTimestamps {
		f.Time = t.Timestamp
	}
	// Identities are checked against the rule here, and not by sigstore-go, so that
	// there is one meaning of a rule: policy's.
	if !rule.Admits(f.Signer.Issuer, f.Signer.Identity, "") {
		return f.refuse(OtherSigner, nil), nil
	}
	f.Verified = true
	return f, nil
}

func certified(s *certificate.Summary) Signer {
	if s == nil {
		return Signer{}
	}
	return Signer{Issuer: s.Issuer, Identity: s.SubjectAlternativeName}
}

// proofOptions asks for the proofs that a Sigstore instance gives: an entry in
// its log if it has one, else a timestamp; and that its certificates were
// logged, if it does that.
func proofOptions(m root.TrustedMaterial) []verify.VerifierOption {
	out := []verify.VerifierOption{verify.WithoutStatementPredicate()}
	if len(m.RekorLogs()) > 0 {
		out = append(out, verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	} else {
		out = append(out, verify.WithSignedTimestamps(1))
	}
	if len(m.CTLogs()) > 0 {
		out = append(out, verify.WithSignedCertificateTimestamps(1))
	}
	return out
}

// keylessReason sorts what sigstore-go says, which has no types for it.
func (v *Verifier) keylessReason(f Finding, notAfter time.Time, err error) Reason {
	text := err.Error()
	bare := len(f.entity.VerificationMaterial.GetTlogEntries()) == 0 &&
		len(f.entity.VerificationMaterial.GetTimestampVerificationData().GetRfc3161Timestamps()) == 0
	switch {
	case aboutDigest(err):
		return OtherDigest
	case bare && v.o.Now().After(notAfter), strings.Contains(text, "outside certificate validity"):
		return Expired
	case bare, strings.HasPrefix(text, "failed to verify log inclusion"), strings.HasPrefix(text, "failed to verify timestamps"):
		return NoProof
	}
	return Invalid
}
