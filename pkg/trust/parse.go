package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// predicateSign is the type of the statement that is a signature and nothing
// else. Any other is an attestation: what was scanned, built or reviewed.
const predicateSign = "https://sigstore.dev/cosign/sign/v1"

// readBundle reads a sigstore bundle.
func (f Finding) readBundle(data []byte) Finding {
	var b bundle.Bundle
	if err := b.UnmarshalJSON(data); err != nil {
		return f.refuse(Malformed, err)
	}
	if b.MediaType != typeBundle {
		return f.refuse(Malformed, fmt.Errorf("is of media type %q, not %q", b.MediaType, typeBundle))
	}
	f.entity = &b
	f.Signer = claimed(&b)
	if env, err := b.Envelope(); err == nil {
		s, err := env.Statement()
		if err != nil {
			return f.refuse(Malformed, err)
		}
		if f.Predicate = s.GetPredicateType(); f.Predicate != predicateSign {
			return f.refuse(Attestation, nil)
		}
	}
	return f
}

// claimed returns who a bundle says that it is signed by. Of a key it can only
// hint: cosign hints with the base64 of the hash that a fingerprint has in hex.
func claimed(b *bundle.Bundle) Signer {
	content, err := b.VerificationContent()
	if err != nil {
		return Signer{}
	}
	if c := content.Certificate(); c != nil {
		s, err := certificate.SummarizeCertificate(c)
		if err != nil {
			return Signer{}
		}
		return Signer{Issuer: s.Issuer, Identity: s.SubjectAlternativeName}
	}
	if key := content.PublicKey(); key != nil {
		if sum, err := base64.StdEncoding.DecodeString(key.Hint()); err == nil && len(sum) == sha256.Size {
			return Signer{Key: "sha256:" + hex.EncodeToString(sum)}
		}
	}
	return Signer{}
}

// Annotations of a layer in cosign's older form
// (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
const (
	noteSignature   = "dev.cosignproject.cosign/signature"
	noteCertificate = "dev.sigstore.cosign/certificate"
	noteLog         = "dev.sigstore.cosign/bundle"
	noteTimestamp   = "dev.sigstore.cosign/rfc3161timestamp"
)

// readSimple reads a signature in cosign's older form: a payload that names the
// digest, and beside it, in annotations, the signature and what proves it. It
// becomes a bundle v0.1, which knows the same kinds of proof.
func (f Finding) readSimple(payload []byte, notes map[string]string) Finding {
	f.payload = payload
	signature, err := base64.StdEncoding.DecodeString(notes[noteSignature])
	if err != nil || len(signature) == 0 {
		return f.refuse(Malformed, errors.New("has no signature"))
	}
	sum := sha256.Sum256(payload)
	material := &protobundle.VerificationMaterial{
		Content: &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{}},
	}
	if text := notes[noteCertificate]; text != "" {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return f.refuse(Malformed, errors.New("its certificate is not PEM"))
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return f.refuse(Malformed, err)
		}
		material.Content = &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: &protocommon.X509CertificateChain{
			Certificates: []*protocommon.X509Certificate{{RawBytes: block.Bytes}},
		}}
	}
	if err := readProofs(material, notes); err != nil {
		return f.refuse(Malformed, err)
	}
	b, err := bundle.NewBundle(&protobundle.Bundle{
		MediaType:            "application/vnd.dev.sigstore.bundle+json;version=0.1",
		VerificationMaterial: material,
		Content: &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]},
			Signature:     signature,
		}},
	})
	if err != nil {
		return f.refuse(Malformed, err)
	}
	f.entity, f.Signer = b, claimed(b)
	return f
}

// readProofs reads the log's promise and the signed timestamp.
func readProofs(m *protobundle.VerificationMaterial, notes map[string]string) error {
	if text := notes[noteLog]; text != "" {
		var log struct {
			SignedEntryTimestamp []byte
			Payload              struct {
				Body           []byte `json:"body"`
				IntegratedTime int64  `json:"integratedTime"`
				LogIndex       int64  `json:"logIndex"`
				LogID          string `json:"logID"`
			}
		}
		if err := json.Unmarshal([]byte(text), &log); err != nil {
			return fmt.Errorf("its log entry does not parse: %w", err)
		}
		id, err := hex.DecodeString(log.Payload.LogID)
		if err != nil {
			return fmt.Errorf("its log's ID is not hexadecimal: %w", err)
		}
		var kind struct {
			Kind    string `json:"kind"`
			Version string `json:"apiVersion"`
		}
		if err := json.Unmarshal(log.Payload.Body, &kind); err != nil {
			return fmt.Errorf("its log entry's body does not parse: %w", err)
		}
		m.TlogEntries = []*protorekor.TransparencyLogEntry{{
			LogIndex:          log.Payload.LogIndex,
			LogId:             &protocommon.LogId{KeyId: id},
			KindVersion:       &protorekor.KindVersion{Kind: kind.Kind, Version: kind.Version},
			IntegratedTime:    log.Payload.IntegratedTime,
			InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: log.SignedEntryTimestamp},
			CanonicalizedBody: log.Payload.Body,
		}}
	}
	if text := notes[noteTimestamp]; text != "" {
		var stamp struct{ SignedRFC3161Timestamp []byte }
		if err := json.Unmarshal([]byte(text), &stamp); err != nil {
			return fmt.Errorf("its timestamp does not parse: %w", err)
		}
		m.TimestampVerificationData = &protobundle.TimestampVerificationData{
			Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: stamp.SignedRFC3161Timestamp}},
		}
	}
	return nil
}

// simpleDigest returns the digest that a payload of the older form names.
func simpleDigest(payload []byte) string {
	var p struct {
		Critical struct {
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	if json.Unmarshal(payload, &p) != nil {
		return ""
	}
	return p.Critical.Image.Digest
}
