package trust

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Signed is what became of a signing.
type Signed struct {
	Subject  ocispec.Descriptor
	Manifest digest.Digest // that holds the signature
	Signer   Signer
	Kept     bool // the key had signed it before
}

// Sign signs what subject names and pushes the signature, a sigstore bundle
// v0.3, as a referrer: what `cosign sign --key` writes. One that the key made
// before and that verifies is kept. Errors: the
// Repository's.
func Sign(ctx context.Context, t registry.Target, subject ocispec.Descriptor, key *PrivateKey) (*Signed, error) {
	out := &Signed{Subject: subject, Signer: key.Signer()}
	if at, ok, err := signedBefore(ctx, t, subject.Digest, key); err != nil || ok {
		out.Manifest, out.Kept = at, ok
		return out, err
	}
	data, err := newBundle(ctx, subject.Digest, key)
	if err != nil {
		return nil, err
	}
	empty := ocispec.DescriptorEmptyJSON
	if err := registry.PushBytes(ctx, t, empty, empty.Data); err != nil {
		return nil, err
	}
	empty.Data = nil
	layer := ocispec.Descriptor{MediaType: typeBundle, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if err := registry.PushBytes(ctx, t, layer, data); err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: typeBundle,
		Config:       empty,
		Layers:       []ocispec.Descriptor{layer},
		Subject:      &ocispec.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
		Annotations: map[string]string{
			"dev.sigstore.bundle.content":       "dsse-envelope",
			"dev.sigstore.bundle.predicateType": predicateSign,
		},
	})
	if err != nil {
		return nil, err
	}
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(manifest), Size: int64(len(manifest))}
	out.Manifest = desc.Digest
	return out, t.PushManifest(ctx, desc, manifest)
}

// signedBefore looks for a signature by the key.
func signedBefore(ctx context.Context, src registry.Repository, subject digest.Digest, key *PrivateKey) (digest.Digest, bool, error) {
	c := newCollector(src, subject)
	for i := 0; ; i++ {
		f, ok, err := c.at(ctx, i)
		if err != nil || !ok {
			return "", false, err
		}
		if f.Form != FormBundle || f.entity == nil || f.Reason != "" || f.Signer != key.Signer() {
			continue
		}
		artifact, err := signedBytes(ctx, c, f)
		if err != nil {
			return "", false, err
		}
		if f, err = checkKeys(f, artifact, []*publicKey{key.public}); err == nil && f.Verified {
			return f.Manifest, true, nil
		}
	}
}

// newBundle signs the statement that a digest is signed, and nothing else.
func newBundle(ctx context.Context, subject digest.Digest, key *PrivateKey) ([]byte, error) {
	const payloadType = "application/vnd.in-toto+json"
	payload, err := json.Marshal(map[string]any{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       []any{map[string]any{"digest": map[string]string{subject.Algorithm().String(): subject.Encoded()}}},
		"predicateType": predicateSign,
		"predicate":     struct{}{},
	})
	if err != nil {
		return nil, err
	}
	sig, err := key.signer.SignMessage(bytes.NewReader(dsse.PAE(payloadType, payload)), options.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	b, err := bundle.NewBundle(&protobundle.Bundle{
		MediaType: typeBundle,
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content: &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: key.hint}},
		},
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: payload, PayloadType: payloadType, Signatures: []*protodsse.Signature{{Sig: sig}},
		}},
	})
	if err != nil {
		return nil, err
	}
	return b.MarshalJSON()
}
