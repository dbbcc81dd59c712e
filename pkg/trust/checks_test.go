package trust

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// Good signatures in carriers that must not be believed.
func TestGoodSignatureBadCarrier(t *testing.T) {
	k, rule := newKey(t, nil)
	for name, c := range map[string]struct {
		put  func(s *store, d, other ocispec.Descriptor, good []byte)
		want Reason
	}{
		"refers to another": {func(s *store, d, other ocispec.Descriptor, good []byte) {
			s.refer(d.Digest, other.Digest, ocispec.Descriptor{MediaType: typeBundle}, good)
		}, OtherDigest},
		"refers to nothing": {func(s *store, d, _ ocispec.Descriptor, good []byte) {
			s.refer(d.Digest, "", ocispec.Descriptor{MediaType: typeBundle}, good)
			list := s.referrers[d.Digest]
			var m ocispec.Manifest
			if err := json.Unmarshal(s.blobs[list[0].Digest], &m); err != nil {
				s.t.Fatal(err)
			}
			m.Subject = nil
			data, err := json.Marshal(m)
			if err != nil {
				s.t.Fatal(err)
			}
			list[0].Digest = s.put(data)
		}, OtherDigest},
		"served in place of another": {func(s *store, d, _ ocispec.Descriptor, good []byte) {
			bad := []byte(strings.Repeat(" ", len(good)))
			s.bundle(d.Digest, bad)
			s.lie[s.put(bad)] = good
		}, Malformed},
		"too large": {func(s *store, d, _ ocispec.Descriptor, good []byte) {
			s.bundle(d.Digest, append(good, strings.Repeat(" ", maxBundle+1-len(good))...))
		}, TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			repo := newStore(t)
			d, other := repo.release(name), repo.release("other")
			good, err := newBundle(t.Context(), d.Digest, k)
			if err != nil {
				t.Fatal(err)
			}
			c.put(repo, d, other, good)
			refused(t, newVerifier(t), ask(repo, d, rule), c.want)
		})
	}
}

// If the authority logs its certificates, one that was not logged is none.
func TestUnloggedCertificate(t *testing.T) {
	s := newSigstore(t)
	s.writeRootWith(s.RekorLogs(), s.RekorLogs(), s.TimestampingAuthorities())
	repo := newStore(t)
	d := repo.release("unlogged")
	repo.bundle(d.Digest, s.sign(d.Digest, identity, issuer, nil))
	refused(t, newVerifier(t), ask(repo, d, s.rule()), Invalid)
}

// A certificate is not a key, and a key not an identity, and it is said.
func TestOtherKindOfSigner(t *testing.T) {
	k, keys := newKey(t, nil)
	s := newSigstore(t)
	repo := newStore(t)
	certified, keyed := repo.release("certified"), repo.release("keyed")
	repo.bundle(certified.Digest, s.sign(certified.Digest, identity, issuer, nil))
	sign(t, repo, keyed, k)
	e := refused(t, newVerifier(t), ask(repo, certified, keys), OtherSigner)
	if !strings.Contains(e.Error(), "is signed with a certificate, and a key is asked for") {
		t.Error(e)
	}
	e = refused(t, newVerifier(t), ask(repo, keyed, s.rule()), OtherSigner)
	if !strings.Contains(e.Error(), "is signed with a key, and an identity is asked for") {
		t.Error(e)
	}
}

// A key file that was replaced after the rule was read is not the rule's key.
func TestReplacedKeyFile(t *testing.T) {
	_, rule := newKey(t, nil)
	k, theirs := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("replaced")
	sign(t, repo, d, k)
	data, err := os.ReadFile(theirs.Keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rule.Keys[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, newVerifier(t), ask(repo, d, rule), OtherSigner)
}

// The same key in another encoding is the rule's.
func TestKeyFileInUTF16(t *testing.T) {
	k, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("wide")
	sign(t, repo, d, k)
	data, err := os.ReadFile(rule.Keys[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, written := range [][]byte{wide(data), append([]byte("\xef\xbb\xbf"), data...)} {
		if err := os.WriteFile(rule.Keys[0], written, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); err != nil || s != k.Signer() {
			t.Errorf("begins with %x: %v, %v", written[:2], s, err)
		}
	}
}

// An attestation is shown with whether its own signature is good, and counts as
// none either way.
func TestInspectAttestation(t *testing.T) {
	s := newSigstore(t)
	rule := s.rule()
	for issuedBy, verified := range map[string]bool{issuer: true, "https://token.example.evil": false} {
		repo := newStore(t)
		d := repo.release(issuedBy)
		repo.bundle(d.Digest, s.attest(statement(t, d.Digest, "https://slsa.dev/provenance/v1"), identity, issuedBy, time.Now().Add(time.Minute), nil))
		found, err := newVerifier(t).Inspect(t.Context(), repo, d.Digest, func(Finding) *policy.Rule { return &rule })
		if err != nil || len(found) != 1 || found[0].Reason != Attestation || found[0].Verified != verified {
			t.Errorf("%s: %v, %v", issuedBy, found, err)
			continue
		}
		want := "attestation of type https://slsa.dev/provenance/v1: verified"
		if !verified {
			want = "attestation of type https://slsa.dev/provenance/v1: not verified: signed by another"
		}
		if !strings.HasSuffix(found[0].String(), want) {
			t.Errorf("%s: %s", issuedBy, found[0])
		}
	}
}
