package trust

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

func TestKeylessVerifies(t *testing.T) {
	s := newSigstore(t)
	for name, change := range map[string]func(*protobundle.Bundle){"log and timestamp": nil, "log alone": noStamps} {
		t.Run(name, func(t *testing.T) {
			repo := newStore(t)
			d := repo.release(name)
			repo.bundle(d.Digest, s.sign(d.Digest, identity, issuer, change))
			got, err := newVerifier(t).Verify(t.Context(), ask(repo, d, s.rule()))
			if want := (Signer{Issuer: issuer, Identity: identity}); err != nil || got != want {
				t.Errorf("%v, %v", got, err)
			}
			if repo.reads != 2 {
				t.Errorf("%d reads, want a manifest and a bundle", repo.reads)
			}
		})
	}
}

func TestKeylessByTimestampAlone(t *testing.T) {
	s := newSigstore(t)
	s.writeRoot(nil, s.TimestampingAuthorities())
	repo := newStore(t)
	d := repo.release("stamped")
	repo.bundle(d.Digest, s.sign(d.Digest, identity, issuer, noLog))
	if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, s.rule())); err != nil {
		t.Error(err)
	}
}

func TestKeylessMessageSignature(t *testing.T) {
	s := newSigstore(t)
	s.writeRoot(nil, s.TimestampingAuthorities())
	repo := newStore(t)
	d := repo.release("bytes")
	signs := func(data []byte) []byte {
		e, err := s.Sign(identity, issuer, data)
		if err != nil {
			t.Fatal(err)
		}
		content, err := e.SignatureContent()
		if err != nil {
			t.Fatal(err)
		}
		b := s.pack(e)
		noLog(b)
		b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: content.MessageSignatureContent().Digest()},
			Signature:     content.Signature(),
		}}
		return encode(t, b)
	}
	repo.bundle(d.Digest, signs(repo.blobs[d.Digest]))
	if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, s.rule())); err != nil {
		t.Error(err)
	}
	other := repo.release("other bytes")
	repo.bundle(other.Digest, signs([]byte("something else")))
	refused(t, newVerifier(t), ask(repo, other, s.rule()), Invalid)
}

// What a stranger can put beside a release, or make of a signature that he
// finds, under a keyless rule.
func TestKeylessRefuses(t *testing.T) {
	s, stranger := newSigstore(t), newSigstore(t)
	late := time.Now().Add(20 * time.Minute) // certificates of the authority are good for ten
	for name, c := range map[string]struct {
		data func(d, other ocispec.Descriptor) []byte
		want Reason
	}{
		"another digest": {func(_, other ocispec.Descriptor) []byte { return s.sign(other.Digest, identity, issuer, nil) }, OtherDigest},
		"attestation": {func(d, _ ocispec.Descriptor) []byte {
			return s.attest(statement(t, d.Digest, "https://slsa.dev/provenance/v1"), identity, issuer, time.Now().Add(time.Minute), nil)
		}, Attestation},
		"another issuer": {func(d, _ ocispec.Descriptor) []byte {
			return s.sign(d.Digest, identity, "https://token.example.evil", nil)
		}, OtherSigner},
		"begins alike": {func(d, _ ocispec.Descriptor) []byte { return s.sign(d.Digest, identity+"2", issuer, nil) }, OtherSigner},
		"another authority": {func(d, _ ocispec.Descriptor) []byte {
			return stranger.sign(d.Digest, identity, issuer, nil)
		}, NoProof},
		"no log entry":    {func(d, _ ocispec.Descriptor) []byte { return s.sign(d.Digest, identity, issuer, noLog) }, NoProof},
		"no proof at all": {func(d, _ ocispec.Descriptor) []byte { return s.sign(d.Digest, identity, issuer, both(noLog, noStamps)) }, NoProof},
		"no inclusion": {func(d, _ ocispec.Descriptor) []byte {
			return s.sign(d.Digest, identity, issuer, func(b *protobundle.Bundle) { entry(b).InclusionProof = nil })
		}, Malformed},
		"altered entry": {func(d, _ ocispec.Descriptor) []byte {
			return s.sign(d.Digest, identity, issuer, func(b *protobundle.Bundle) { entry(b).IntegratedTime++ })
		}, NoProof},
		"altered root": {func(d, _ ocispec.Descriptor) []byte {
			return s.sign(d.Digest, identity, issuer, func(b *protobundle.Bundle) { entry(b).InclusionProof.RootHash[0] ^= 1 })
		}, NoProof},
		"entry of another": {func(d, other ocispec.Descriptor) []byte {
			return s.sign(d.Digest, identity, issuer, s.borrowEntry(t, other))
		}, NoProof},
		"logged too late": {func(d, _ ocispec.Descriptor) []byte {
			return s.attest(statement(t, d.Digest, predicateSign), identity, issuer, late, nil)
		}, Expired},
		"altered signature": {func(d, _ ocispec.Descriptor) []byte {
			return s.sign(d.Digest, identity, issuer, func(b *protobundle.Bundle) { b.GetDsseEnvelope().Signatures[0].Sig[10] ^= 1 })
		}, NoProof},
		"old bundle": {func(d, _ ocispec.Descriptor) []byte {
			return s.sign(d.Digest, identity, issuer, func(b *protobundle.Bundle) { b.MediaType = "application/vnd.dev.sigstore.bundle+json;version=0.2" })
		}, Malformed},
		"no bundle": {func(_, _ ocispec.Descriptor) []byte { return []byte("{") }, Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			repo := newStore(t)
			d, other := repo.release(name), repo.release("other")
			repo.bundle(d.Digest, c.data(d, other))
			refused(t, newVerifier(t), ask(repo, d, s.rule()), c.want)
		})
	}
}

func both(a, b func(*protobundle.Bundle)) func(*protobundle.Bundle) {
	return func(x *protobundle.Bundle) { a(x); b(x) }
}

// borrowEntry puts the log entry of another release's signature into a bundle.
func (s *sigstore) borrowEntry(t *testing.T, other ocispec.Descriptor) func(*protobundle.Bundle) {
	return func(b *protobundle.Bundle) {
		s.sign(other.Digest, identity, issuer, func(o *protobundle.Bundle) { b.VerificationMaterial.TlogEntries = o.VerificationMaterial.TlogEntries })
	}
}

// A certificate that ran out is of no use if nothing says when it signed.
func TestExpiredCertificate(t *testing.T) {
	s := newSigstore(t)
	repo := newStore(t)
	d := repo.release("late")
	repo.bundle(d.Digest, s.sign(d.Digest, identity, issuer, both(noLog, noStamps)))
	v := New(Options{Dir: t.TempDir(), Now: func() time.Time { return time.Now().Add(24 * time.Hour) }})
	refused(t, v, ask(repo, d, s.rule()), Expired)
}

func TestIdentityRegexp(t *testing.T) {
	s := newSigstore(t)
	repo := newStore(t)
	d := repo.release("regexp")
	repo.bundle(d.Digest, s.sign(d.Digest, identity, issuer, nil))
	rule := s.rule()
	rule.Keyless = &policy.Keyless{Issuer: issuer, IdentityRegexp: `https://git\.example/acme/.*`, TrustedRoot: s.root}
	if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); err != nil {
		t.Error(err)
	}
	rule.Keyless.IdentityRegexp = `https://git\.example/acme`
	refused(t, newVerifier(t), ask(repo, d, rule), OtherSigner)
}

func TestRootOutOfReach(t *testing.T) {
	s := newSigstore(t)
	repo := newStore(t)
	d := repo.release("rootless")
	repo.bundle(d.Digest, s.sign(d.Digest, identity, issuer, nil))
	rule := s.rule()
	rule.Keyless.TrustedRoot = ""
	v := New(Options{Dir: t.TempDir(), Offline: true})
	var e *RootError
	if _, err := v.Verify(t.Context(), ask(repo, d, rule)); !errors.As(err, &e) || !e.Offline {
		t.Errorf("not cached: %v", err)
	}
	// As TUF would have left it.
	data, err := os.ReadFile(s.root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(v.o.Dir+"/"+trustedRootFile, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), ask(repo, d, rule)); err != nil {
		t.Errorf("cached: %v", err)
	}
	rule.Keyless.TrustedRoot = s.root
	if err := os.WriteFile(s.root, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); !errors.As(err, &e) || e.File != s.root {
		t.Errorf("no root: %v", err)
	}
}

// refused expects a refusal for a reason.
func refused(t *testing.T, v *Verifier, r Request, want Reason) *RefusedError {
	t.Helper()
	got, err := v.Verify(t.Context(), r)
	var e *RefusedError
	if !errors.As(err, &e) || !got.IsZero() {
		t.Fatalf("%v, %v; want a refusal", got, err)
	}
	if e.Reason != want {
		t.Errorf("reason %q, want %q: %v", e.Reason, want, err)
	}
	if _, known := v.memory.recall(r.marks(ruling{project: &e.Rule})); known {
		t.Error("what was refused is remembered as verified")
	}
	return e
}

// The older form keeps certificate and log entry in annotations.
func TestKeylessOlderForm(t *testing.T) {
	s := newSigstore(t)
	repo := newStore(t)
	put := func(of, named ocispec.Descriptor, change func(notes map[string]string)) {
		payload := fmt.Appendf(nil, `{"critical":{"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"}}`, named.Digest)
		e, err := s.Sign(identity, issuer, payload)
		if err != nil {
			t.Fatal(err)
		}
		content, err := e.SignatureContent()
		if err != nil {
			t.Fatal(err)
		}
		material := s.pack(e).VerificationMaterial
		entry := material.TlogEntries[0]
		log, err := json.Marshal(map[string]any{
			"SignedEntryTimestamp": entry.InclusionPromise.SignedEntryTimestamp,
			"Payload": map[string]any{
				"body": entry.CanonicalizedBody, "integratedTime": entry.IntegratedTime, "logIndex": entry.LogIndex,
				"logID": hex.EncodeToString(entry.LogId.KeyId),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		notes := map[string]string{
			noteSignature:   base64.StdEncoding.EncodeToString(content.Signature()),
			noteCertificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: material.GetCertificate().RawBytes})),
			noteLog:         string(log),
		}
		if change != nil {
			change(notes)
		}
		repo.simpleLayer(of.Digest, payload, notes)
	}
	d, other := repo.release("older"), repo.release("other")
	put(d, d, nil)
	if got, err := newVerifier(t).Verify(t.Context(), ask(repo, d, s.rule())); err != nil || got.Identity != identity {
		t.Errorf("%v, %v", got, err)
	}
	put(d, other, nil)
	refused(t, newVerifier(t), ask(repo, d, s.rule()), OtherDigest)
	put(d, d, func(notes map[string]string) { delete(notes, noteLog) })
	refused(t, newVerifier(t), ask(repo, d, s.rule()), NoProof)
	put(d, d, func(notes map[string]string) { notes[noteLog] = "{" })
	refused(t, newVerifier(t), ask(repo, d, s.rule()), Malformed)
}

// An attestation stands in place of a signature only where the rule asks for its very
// type, and if it is as a signature has to be: of the release, by the signer, proven.
func TestAttestation(t *testing.T) {
	s, stranger := newSigstore(t), newSigstore(t)
	at := time.Now().Add(time.Minute)
	rule := s.rule()
	rule.Keyless.Attestation = policy.Provenance
	for name, c := range map[string]struct {
		data func(d, other ocispec.Descriptor) []byte
		want Reason // "" where it is accepted
	}{
		"provenance": {func(d, _ ocispec.Descriptor) []byte {
			return s.attest(statement(t, d.Digest, policy.Provenance), identity, issuer, at, nil)
		}, ""},
		"a signature": {func(d, _ ocispec.Descriptor) []byte { return s.sign(d.Digest, identity, issuer, nil) }, ""},
		"another type": {func(d, _ ocispec.Descriptor) []byte {
			return s.attest(statement(t, d.Digest, "https://slsa.dev/provenance/v0.2"), identity, issuer, at, nil)
		}, Attestation},
		"another digest": {func(_, other ocispec.Descriptor) []byte {
			return s.attest(statement(t, other.Digest, policy.Provenance), identity, issuer, at, nil)
		}, OtherDigest},
		"another signer": {func(d, _ ocispec.Descriptor) []byte {
			return s.attest(statement(t, d.Digest, policy.Provenance), identity+"2", issuer, at, nil)
		}, OtherSigner},
		"another authority": {func(d, _ ocispec.Descriptor) []byte {
			return stranger.attest(statement(t, d.Digest, policy.Provenance), identity, issuer, at, nil)
		}, NoProof},
		"no proof": {func(d, _ ocispec.Descriptor) []byte {
			return s.attest(statement(t, d.Digest, policy.Provenance), identity, issuer, at, both(noLog, noStamps))
		}, NoProof},
	} {
		t.Run(name, func(t *testing.T) {
			repo := newStore(t)
			d, other := repo.release(name), repo.release("other")
			repo.bundle(d.Digest, c.data(d, other))
			if c.want != "" {
				refused(t, newVerifier(t), ask(repo, d, rule), c.want)
				return
			}
			if got, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); err != nil || got.Identity != identity {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}
