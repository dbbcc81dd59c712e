package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

func TestKinds(t *testing.T) {
	for name, make := range map[string]func() (crypto.PrivateKey, error){
		"P-256":   func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		"P-384":   func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
		"P-521":   func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P521(), rand.Reader) },
		"RSA":     func() (crypto.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		"Ed25519": func() (crypto.PrivateKey, error) { _, k, err := ed25519.GenerateKey(rand.Reader); return k, err },
	} {
		t.Run(name, func(t *testing.T) {
			key, err := make()
			if err != nil {
				t.Fatal(err)
			}
			k, rule := newKey(t, key)
			repo := newStore(t)
			d, old := repo.release(name), repo.release("old form")
			sign(t, repo, d, k)
			repo.simple(old.Digest, old.Digest, key)
			for _, d := range []ocispec.Descriptor{d, old} {
				if got, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); err != nil || got != k.Signer() {
					t.Errorf("%v, %v", got, err)
				}
			}
		})
	}
}

// simple signs a digest in cosign's older form, with SHA-256 as it did then.
func (s *store) simple(of, named digest.Digest, key crypto.PrivateKey) {
	s.t.Helper()
	payload := fmt.Sprintf(`{"critical":{"identity":{"docker-reference":"x"},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, named)
	signer, err := signature.LoadSignerVerifier(key, crypto.SHA256)
	if err != nil {
		s.t.Fatal(err)
	}
	sig, err := signer.SignMessage(strings.NewReader(payload))
	if err != nil {
		s.t.Fatal(err)
	}
	s.simpleLayer(of, []byte(payload), map[string]string{noteSignature: base64.StdEncoding.EncodeToString(sig)})
}

func (s *store) simpleLayer(of digest.Digest, payload []byte, notes map[string]string) {
	s.t.Helper()
	data, err := json.Marshal(ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Layers: []ocispec.Descriptor{
		{MediaType: typeSimple, Digest: s.put(payload), Size: int64(len(payload)), Annotations: notes},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.tags["sha256-"+of.Encoded()+".sig"] = s.put(data)
}

func TestSignKeepsItsOwn(t *testing.T) {
	k, _ := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("twice")
	first := sign(t, repo, d, k)
	second := sign(t, repo, d, k)
	if first.Kept || !second.Kept || first.Manifest != second.Manifest || len(repo.referrers[d.Digest]) != 1 {
		t.Errorf("%+v, then %+v", first, second)
	}
}

func TestUnsigned(t *testing.T) {
	_, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("bare")
	repo.refer(d.Digest, d.Digest, ocispec.Descriptor{MediaType: "application/spdx+json"}, []byte("{}"))
	refused(t, newVerifier(t), ask(repo, d, rule), Unsigned)
}

// What a stranger can put beside a release, under a rule with a key.
func TestKeysRefuse(t *testing.T) {
	mineRaw, theirsRaw := newRaw(t), newRaw(t)
	mine, rule := newKey(t, mineRaw)
	theirs, _ := newKey(t, theirsRaw)
	for name, c := range map[string]struct {
		put  func(s *store, d, other ocispec.Descriptor)
		want Reason
	}{
		"another key": {func(s *store, d, _ ocispec.Descriptor) { sign(s.t, s, d, theirs) }, OtherSigner},
		"another digest, moved here": {func(s *store, d, other ocispec.Descriptor) {
			sign(s.t, s, other, mine)
			s.referrers[d.Digest] = s.referrers[other.Digest]
		}, OtherDigest},
		"another digest, subject altered": {func(s *store, d, other ocispec.Descriptor) {
			data, err := newBundle(s.t.Context(), other.Digest, mine)
			if err != nil {
				s.t.Fatal(err)
			}
			s.bundle(d.Digest, data)
		}, OtherDigest},
		"altered digest": {func(s *store, d, other ocispec.Descriptor) {
			s.bundle(d.Digest, s.spoiled(other, mine, func(payload []byte) []byte {
				return []byte(strings.Replace(string(payload), other.Digest.Encoded(), d.Digest.Encoded(), 1))
			}))
		}, Invalid},
		"attestation": {func(s *store, d, _ ocispec.Descriptor) {
			s.bundle(d.Digest, s.spoiled(d, mine, func(payload []byte) []byte {
				return []byte(strings.Replace(string(payload), predicateSign, "https://slsa.dev/provenance/v1", 1))
			}))
		}, Attestation},
		"lies about its type": {func(s *store, d, _ ocispec.Descriptor) {
			data, err := newBundle(s.t.Context(), d.Digest, mine)
			if err != nil {
				s.t.Fatal(err)
			}
			s.refer(d.Digest, d.Digest, ocispec.Descriptor{MediaType: "text/plain"}, data)
		}, Unsigned},
		"served as something else": {func(s *store, d, _ ocispec.Descriptor) {
			signed := sign(s.t, s, d, mine)
			var m ocispec.Manifest
			if err := json.Unmarshal(s.blobs[signed.Manifest], &m); err != nil {
				s.t.Fatal(err)
			}
			s.lie[m.Layers[0].Digest] = []byte("something else")
		}, Malformed},
		"gone": {func(s *store, d, _ ocispec.Descriptor) {
			delete(s.blobs, sign(s.t, s, d, mine).Manifest)
		}, Malformed},
		"of a gigabyte": {func(s *store, d, _ ocispec.Descriptor) {
			s.refer(d.Digest, d.Digest, ocispec.Descriptor{MediaType: typeBundle, Size: 1 << 30}, []byte("{}"))
		}, TooLarge},
		"older form, another digest": {func(s *store, d, other ocispec.Descriptor) {
			s.simple(d.Digest, other.Digest, mineRaw)
		}, OtherDigest},
		"older form, another key": {func(s *store, d, _ ocispec.Descriptor) { s.simple(d.Digest, d.Digest, theirsRaw) }, OtherSigner},
		"older form, no signature": {func(s *store, d, _ ocispec.Descriptor) {
			s.simpleLayer(d.Digest, []byte("{}"), nil)
		}, Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			repo := newStore(t)
			d, other := repo.release(name), repo.release("other")
			c.put(repo, d, other)
			e := refused(t, newVerifier(t), ask(repo, d, rule), c.want)
			if (len(e.Found) == 0) != (c.want == Unsigned) {
				t.Errorf("lists %d signatures", len(e.Found))
			}
		})
	}
}

// spoiled returns a good bundle whose payload was changed after it was signed.
func (s *store) spoiled(d ocispec.Descriptor, k *PrivateKey, change func([]byte) []byte) []byte {
	s.t.Helper()
	data, err := newBundle(s.t.Context(), d.Digest, k)
	if err != nil {
		s.t.Fatal(err)
	}
	var b map[string]any
	if err := json.Unmarshal(data, &b); err != nil {
		s.t.Fatal(err)
	}
	env := b["dsseEnvelope"].(map[string]any)
	payload, err := base64.StdEncoding.DecodeString(env["payload"].(string))
	if err != nil {
		s.t.Fatal(err)
	}
	changed := change(payload)
	if string(changed) == string(payload) {
		s.t.Fatal("nothing was changed")
	}
	env["payload"] = changed
	if data, err = json.Marshal(b); err != nil {
		s.t.Fatal(err)
	}
	return data
}

// However many signatures a stranger adds, no more than so many are read, and
// a good one among those counts.
func TestManyReferrers(t *testing.T) {
	mine, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("popular")
	for i := range 10_000 {
		repo.bundle(d.Digest, fmt.Appendf(nil, `{"%d":0}`, i))
	}
	repo.referrers[d.Digest] = append(repo.referrers[d.Digest], repo.referrers[d.Digest]...)
	e := refused(t, newVerifier(t), ask(repo, d, rule), Malformed)
	if repo.reads > 2*maxSignatures || len(e.Found) > maxSignatures+2 {
		t.Errorf("%d reads, %d found", repo.reads, len(e.Found))
	}
	if !slices.ContainsFunc(e.Found, func(f Finding) bool { return f.Reason == TooLarge }) {
		t.Errorf("does not say that there are more: %v", e)
	}
	if n := strings.Count(e.Error(), "\n"); n > maxListed+1 {
		t.Errorf("tells it in %d lines", n)
	}
	repo.referrers[d.Digest] = repo.referrers[d.Digest][:maxSignatures-1]
	sign(t, repo, d, mine)
	if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); err != nil {
		t.Errorf("one good among bad ones: %v", err)
	}
}

func TestManyBytes(t *testing.T) {
	_, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("heavy")
	for i := range 30 {
		data := make([]byte, maxBundle)
		data[0] = byte(i)
		repo.bundle(d.Digest, data)
	}
	refused(t, newVerifier(t), ask(repo, d, rule), Malformed)
	if repo.bytes > maxBytes+maxBundle {
		t.Errorf("read %d bytes", repo.bytes)
	}
}

// What says nothing of a signature is not a verdict on it.
func TestNetworkIsNoVerdict(t *testing.T) {
	k, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("far")
	sign(t, repo, d, k)
	repo.fail = func(string) error { return &registry.OfflineError{What: repository} }
	var e *registry.OfflineError
	if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); !errors.As(err, &e) {
		t.Errorf("%v", err)
	}
}

// What cosign wrote, in both forms, is accepted; cosign's key file is read.
func TestCosignFixtures(t *testing.T) {
	client, err := registry.New(registry.Options{Layouts: layouts("../../testdata/trust"), Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	repo, err := client.Repository(artifact.LayoutScheme + "cosign")
	if err != nil {
		t.Fatal(err)
	}
	k, err := LoadPrivateKey("../../testdata/trust/cosign.key", func() ([]byte, error) { return []byte("fixture"), nil })
	if err != nil {
		t.Fatal(err)
	}
	rule := policy.Rule{Scope: "oci-layout:cosign", Keys: []string{"../../testdata/trust/cosign.pub"}, Fingerprints: []string{k.Signer().Key}}
	for _, tag := range []string{"new", "old"} {
		d, err := repo.Resolve(t.Context(), tag)
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Source: repo, Roots: []digest.Digest{d.Digest}, Project: under(rule)}
		if got, err := newVerifier(t).Verify(t.Context(), r); err != nil || got != k.Signer() {
			t.Errorf("%s: %v, %v", tag, got, err)
		}
		_, other := newKey(t, nil)
		other.Scope = rule.Scope
		r.Project = under(other)
		refused(t, newVerifier(t), r, OtherSigner)
	}
	var wrong *KeyError
	if _, err := LoadPrivateKey("../../testdata/trust/cosign.key", func() ([]byte, error) { return nil, nil }); !errors.As(err, &wrong) || !wrong.Locked {
		t.Errorf("wrong password: %v", err)
	}
	if _, err := LoadPrivateKey("../../testdata/trust/cosign.pub", nil); !errors.As(err, &wrong) || wrong.Locked {
		t.Errorf("public key: %v", err)
	}
}
