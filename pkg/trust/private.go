package trust

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/sigstore/sigstore/pkg/signature"
)

// PrivateKey signs.
type PrivateKey struct {
	signer signature.SignerVerifier
	public *publicKey
	hint   string
}

// Signer returns whose signatures the key makes.
func (k *PrivateKey) Signer() Signer { return Signer{Key: k.public.print} }

// LoadPrivateKey reads a key as `cosign generate-key-pair` writes it, encrypted,
// or in plain PEM: PKCS #8, SEC 1 or PKCS #1, as openssl writes them. password is
// asked for once if one is needed; an empty one is a password too. Errors:
// *KeyError, password's.
func LoadPrivateKey(file string, password func() ([]byte, error)) (*PrivateKey, error) {
	data, err := readKeyFile(file)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(data)
	for block != nil && block.Type == "EC PARAMETERS" { // openssl ecparam -genkey; the key names its curve too
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, &KeyError{File: file, Problem: "is not a private key: it has no PEM block"}
	}
	key, err := parsePrivateKey(file, block, password)
	if err != nil {
		return nil, err
	}
	k, err := newPrivateKey(key)
	if err != nil {
		return nil, &KeyError{File: file, Problem: err.Error()}
	}
	return k, nil
}

func parsePrivateKey(file string, block *pem.Block, password func() ([]byte, error)) (key crypto.PrivateKey, err error) {
	if strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, &KeyError{File: file, Problem: "is encrypted as openssl does it, which is not supported", Foreign: true}
	}
	der := block.Bytes
	switch block.Type {
	case "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY":
		secret, err := password()
		if err != nil {
			return nil, err
		}
		der, err := encrypted.Decrypt(der, secret)
		if err != nil {
			return nil, &KeyError{File: file, Problem: "its password is wrong, or it is damaged", Locked: true}
		}
		if key, err = x509.ParsePKCS8PrivateKey(der); err != nil {
			return nil, &KeyError{File: file, Problem: "is not a private key: " + err.Error()}
		}
		return key, nil
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(der)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(der)
	case "ENCRYPTED PRIVATE KEY":
		return nil, &KeyError{File: file, Problem: "is encrypted as PKCS #8, which is not supported", Foreign: true}
	case "PUBLIC KEY":
		return nil, &KeyError{File: file, Problem: "is the public key; signing takes the private one"}
	default:
		return nil, &KeyError{File: file, Problem: fmt.Sprintf("is not a known kind of private key: its PEM block is a %q", strings.ToLower(block.Type))}
	}
	if err != nil {
		return nil, &KeyError{File: file, Problem: "is not a private key: " + err.Error()}
	}
	return key, nil
}

func newPrivateKey(key crypto.PrivateKey) (*PrivateKey, error) {
	holder, ok := key.(interface{ Public() crypto.PublicKey })
	if !ok {
		return nil, errors.New("is a private key of an unknown kind")
	}
	der, err := x509.MarshalPKIXPublicKey(holder.Public())
	if err != nil {
		return nil, err
	}
	// What cosign verify --key expects of every kind of key, unless it is told
	// otherwise: SHA-256, and Ed25519 over the bytes themselves.
	signer, err := signature.LoadSignerVerifier(key, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	verifiers, err := verifiersOf(holder.Public())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return &PrivateKey{signer, &publicKey{fingerprint(der), verifiers}, base64.StdEncoding.EncodeToString(sum[:])}, nil
}
