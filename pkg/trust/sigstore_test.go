package trust

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

const (
	issuer   = "https://token.example"
	identity = "https://git.example/acme/drivers/.github/workflows/release.yaml@refs/heads/main"
)

// sigstore is a private Sigstore: authority, log and timestamps.
type sigstore struct {
	*ca.VirtualSigstore
	t    *testing.T
	root string // file
}

func newSigstore(t *testing.T) *sigstore {
	t.Helper()
	v, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	s := &sigstore{VirtualSigstore: v, t: t, root: filepath.Join(t.TempDir(), "root.json")}
	s.writeRoot(v.RekorLogs(), v.TimestampingAuthorities())
	return s
}

func (s *sigstore) writeRoot(logs map[string]*root.TransparencyLog, stamps []root.TimestampingAuthority) {
	s.t.Helper()
	s.writeRootWith(nil, logs, stamps)
}

func (s *sigstore) writeRootWith(certificates, logs map[string]*root.TransparencyLog, stamps []root.TimestampingAuthority) {
	s.t.Helper()
	for id, l := range logs {
		raw, err := hex.DecodeString(id)
		if err != nil {
			s.t.Fatal(err)
		}
		l.ID = raw
	}
	r, err := root.NewTrustedRoot(root.TrustedRootMediaType01, s.FulcioCertificateAuthorities(), certificates, stamps, logs)
	if err != nil {
		s.t.Fatal(err)
	}
	data, err := r.MarshalJSON()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.root, data, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sigstore) rule() policy.Rule {
	return policy.Rule{Scope: "registry.example/acme", Keyless: &policy.Keyless{Issuer: issuer, Identity: identity, TrustedRoot: s.root}}
}

func statement(t *testing.T, d digest.Digest, predicate string) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": predicate, "predicate": map[string]any{},
		"subject": []any{map[string]any{"digest": map[string]string{"sha256": d.Encoded()}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sign returns a bundle that signs a digest, as it would come from a workflow
// of this identity; change can spoil it.
func (s *sigstore) sign(d digest.Digest, identity, issuer string, change func(*protobundle.Bundle)) []byte {
	s.t.Helper()
	return s.attest(statement(s.t, d, predicateSign), identity, issuer, time.Now().Add(time.Minute), change)
}

func (s *sigstore) attest(body []byte, identity, issuer string, at time.Time, change func(*protobundle.Bundle)) []byte {
	s.t.Helper()
	e, err := s.AttestAtTime(identity, issuer, body, at, true)
	if err != nil {
		s.t.Fatal(err)
	}
	b := s.pack(e)
	content, err := e.SignatureContent()
	if err != nil {
		s.t.Fatal(err)
	}
	env := content.EnvelopeContent().RawEnvelope()
	sig, err := base64.StdEncoding.DecodeString(env.Signatures[0].Sig)
	if err != nil {
		s.t.Fatal(err)
	}
	b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
		Payload: body, PayloadType: env.PayloadType, Signatures: []*protodsse.Signature{{Sig: sig}},
	}}
	if change != nil {
		change(b)
	}
	return encode(s.t, b)
}

// pack puts what proves a signature into a bundle.
func (s *sigstore) pack(e *ca.TestEntity) *protobundle.Bundle {
	s.t.Helper()
	content, err := e.VerificationContent()
	if err != nil {
		s.t.Fatal(err)
	}
	entries, err := e.TlogEntries()
	if err != nil {
		s.t.Fatal(err)
	}
	stamps, err := e.Timestamps()
	if err != nil {
		s.t.Fatal(err)
	}
	m := &protobundle.VerificationMaterial{
		Content:                   &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: content.Certificate().Raw}},
		TimestampVerificationData: &protobundle.TimestampVerificationData{},
	}
	for _, entry := range entries {
		m.TlogEntries = append(m.TlogEntries, s.complete(entry.TransparencyLogEntry()))
	}
	for _, stamp := range stamps {
		m.TimestampVerificationData.Rfc3161Timestamps = append(m.TimestampVerificationData.Rfc3161Timestamps, &protocommon.RFC3161SignedTimestamp{SignedTimestamp: stamp})
	}
	return &protobundle.Bundle{MediaType: typeBundle, VerificationMaterial: m}
}

// complete adds what the test authority leaves out of an entry: its kind, and
// the log's promise to include it.
func (s *sigstore) complete(e *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	s.t.Helper()
	var kind struct {
		Kind    string `json:"kind"`
		Version string `json:"apiVersion"`
	}
	if err := json.Unmarshal(e.CanonicalizedBody, &kind); err != nil {
		s.t.Fatal(err)
	}
	e.KindVersion = &protorekor.KindVersion{Kind: kind.Kind, Version: kind.Version}
	set, err := s.RekorSignPayload(tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(e.CanonicalizedBody), IntegratedTime: e.IntegratedTime, LogIndex: e.LogIndex,
		LogID: hex.EncodeToString(e.LogId.KeyId),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	e.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: set}
	return e
}

func encode(t *testing.T, b *protobundle.Bundle) []byte {
	t.Helper()
	data, err := protojson.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func noLog(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries = nil }

func noStamps(b *protobundle.Bundle) { b.VerificationMaterial.TimestampVerificationData = nil }

func entry(b *protobundle.Bundle) *protorekor.TransparencyLogEntry {
	return b.VerificationMaterial.TlogEntries[0]
}
