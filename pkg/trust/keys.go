package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"os"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// maxKey is far above the size of any key in PEM, in bytes.
const maxKey = 64 << 10

// publicKey is a key that a rule lists, in each way in which signers use it.
type publicKey struct {
	print     string // fingerprint, as in Signer.Key
	verifiers []signature.Verifier
}

// readKeyFile reads a key, in UTF-16 too: PowerShell writes so.
func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, disk.Explain(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKey))
	return diag.UTF8(data), err
}

func loadPublicKey(path string) (*publicKey, error) {
	data, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, &KeyError{File: path, Problem: "is not a public key: it has no PEM block"}
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, &KeyError{File: path, Problem: "is not a public key: " + err.Error()}
	}
	verifiers, err := verifiersOf(key)
	if err != nil {
		return nil, &KeyError{File: path, Problem: err.Error()}
	}
	return &publicKey{fingerprint(block.Bytes), verifiers}, nil
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// verifiersOf returns the verifiers of a key. Which hash goes with it nothing
// says: for the larger ECDSA curves old signers took SHA-256 too, and for
// Ed25519 cosign hashes what goes into the log and older ones do not.
func verifiersOf(key crypto.PublicKey) ([]signature.Verifier, error) {
	sets := [][]signature.LoadOption{{options.WithHash(crypto.SHA256)}}
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P384():
			sets = append(sets, []signature.LoadOption{options.WithHash(crypto.SHA384)})
		case elliptic.P521():
			sets = append(sets, []signature.LoadOption{options.WithHash(crypto.SHA512)})
		}
	case ed25519.PublicKey:
		sets = append(sets, []signature.LoadOption{options.WithED25519ph()})
	}
	var out []signature.Verifier
	for _, set := range sets {
		v, err := signature.LoadVerifierWithOpts(key, set...)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// keyMaterial trusts one key, whatever a signature hints at.
func keyMaterial(v signature.Verifier) root.TrustedMaterial {
	key := root.NewExpiringKey(v, time.Time{}, time.Time{})
	return root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) { return key, nil })
}
