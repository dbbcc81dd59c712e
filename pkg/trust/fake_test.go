package trust

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

const repository = "registry.example/acme/postgres"

// store is a repository in memory that anybody can put anything into.
type store struct {
	registry.Target // what is not asked of it

	t         *testing.T
	blobs     map[digest.Digest][]byte
	tags      map[string]digest.Digest
	referrers map[digest.Digest][]ocispec.Descriptor
	reads     int                          // manifests and blobs
	bytes     int64                        // of them
	lie       map[digest.Digest][]byte     // what is served in place of a blob
	behind    []ocispec.Descriptor         // what a source after the first has of referrers
	fail      func(reference string) error // nil: nothing fails
}

func newStore(t *testing.T) *store {
	return &store{
		t: t, blobs: map[digest.Digest][]byte{}, tags: map[string]digest.Digest{},
		referrers: map[digest.Digest][]ocispec.Descriptor{}, lie: map[digest.Digest][]byte{},
	}
}

func (s *store) Name() string { return repository }

func (s *store) Manifest(_ context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	if s.fail != nil {
		if err := s.fail(reference); err != nil {
			return ocispec.Descriptor{}, nil, err
		}
	}
	d, ok := s.tags[reference]
	if !ok {
		d = digest.Digest(reference)
	}
	data, ok := s.blobs[d]
	if !ok {
		return ocispec.Descriptor{}, nil, &registry.NotFoundError{Repository: repository, Reference: reference}
	}
	s.reads++
	s.bytes += int64(len(data))
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: d, Size: int64(len(data))}, data, nil
}

func (s *store) Blob(_ context.Context, desc ocispec.Descriptor) (io.ReadCloser, error) {
	s.reads++
	data, ok := s.lie[desc.Digest]
	if !ok {
		data = s.blobs[desc.Digest]
	}
	return io.NopCloser(io.TeeReader(bytes.NewReader(data), (*counter)(&s.bytes))), nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

func (s *store) Referrers(_ context.Context, subject digest.Digest) ([]ocispec.Descriptor, error) {
	list := s.referrers[subject]
	if len(list) > registry.MaxReferrers {
		return list[:registry.MaxReferrers], &registry.LimitError{Subject: repository, What: "referrers", Limit: registry.MaxReferrers}
	}
	return list, nil
}

// ReferrersFrom implements registry.Repository.
func (s *store) ReferrersFrom(ctx context.Context, subject digest.Digest, from int) (list []ocispec.Descriptor, next int, err error) {
	if from > 0 {
		return s.behind, 2, nil
	}
	list, err = s.Referrers(ctx, subject)
	return list, 1, err
}

func (s *store) PushBlob(_ context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	r, err := open()
	if err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err == nil && s.put(data) != desc.Digest {
		s.t.Errorf("blob %s: is not what was announced", desc.Digest)
	}
	return err
}

func (s *store) PushManifest(_ context.Context, desc ocispec.Descriptor, data []byte, tags ...string) error {
	if s.put(data) != desc.Digest || desc.Size != int64(len(data)) {
		s.t.Errorf("manifest %s: is not what was announced", desc.Digest)
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	for _, tag := range tags {
		s.tags[tag] = desc.Digest
	}
	if m.Subject != nil {
		desc.ArtifactType = m.ArtifactType
		s.referrers[m.Subject.Digest] = append(s.referrers[m.Subject.Digest], desc)
	}
	return nil
}

func (s *store) put(data []byte) digest.Digest {
	d := digest.FromBytes(data)
	s.blobs[d] = data
	return d
}

// release puts something to be signed.
func (s *store) release(text string) ocispec.Descriptor {
	data, err := json.Marshal(ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Annotations: map[string]string{"text": text}})
	if err != nil {
		s.t.Fatal(err)
	}
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: s.put(data), Size: int64(len(data))}
}

// refer puts a manifest with one layer that refers to a subject, and tells of
// it in the list of of's referrers.
func (s *store) refer(of, subject digest.Digest, layer ocispec.Descriptor, data []byte) ocispec.Descriptor {
	layer.Digest = s.put(data)
	if layer.Size == 0 {
		layer.Size = int64(len(data))
	}
	m, err := json.Marshal(ocispec.Manifest{
		MediaType: ocispec.MediaTypeImageManifest, ArtifactType: typeBundle, Config: ocispec.DescriptorEmptyJSON,
		Layers: []ocispec.Descriptor{layer}, Subject: &ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: subject, Size: 1},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, ArtifactType: typeBundle, Digest: s.put(m), Size: int64(len(m))}
	s.referrers[of] = append(s.referrers[of], desc)
	return desc
}

// bundle puts a bundle as a signature of a subject.
func (s *store) bundle(subject digest.Digest, data []byte) {
	s.refer(subject, subject, ocispec.Descriptor{MediaType: typeBundle}, data)
}

func newRaw(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newKey makes a signing key, of any kind where nil, and the rule that lists it.
func newKey(t *testing.T, key crypto.PrivateKey) (*PrivateKey, policy.Rule) {
	t.Helper()
	if key == nil {
		key = newRaw(t)
	}
	k, err := newPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.(interface{ Public() crypto.PublicKey }).Public())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return k, policy.Rule{Scope: "registry.example/acme", Keys: []string{file}, Fingerprints: []string{k.public.print}}
}

// also returns a rule that lists the keys of both.
func also(a, b policy.Rule) policy.Rule {
	a.Keys = append(append([]string(nil), a.Keys...), b.Keys...)
	a.Fingerprints = append(append([]string(nil), a.Fingerprints...), b.Fingerprints...)
	return a
}

func under(rules ...policy.Rule) *policy.Policy {
	return &policy.Policy{File: "rules.toml", Rules: rules}
}

func newVerifier(t *testing.T) *Verifier { return New(Options{Dir: t.TempDir()}) }

func sign(t *testing.T, s *store, subject ocispec.Descriptor, k *PrivateKey) *Signed {
	t.Helper()
	signed, err := Sign(t.Context(), s, subject, k)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func ask(s *store, d ocispec.Descriptor, rule policy.Rule) Request {
	return Request{Source: s, Roots: []digest.Digest{d.Digest}, Project: under(rule)}
}
