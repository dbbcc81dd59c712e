package policy

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// Far above the size of any public key in PEM, and of any trusted root, in bytes.
const (
	maxKey  = 64 << 10
	maxRoot = 8 << 20
)

// checkFile returns an error if path is not a regular file. A manifest comes
// from a pull request too: opening a pipe or a device that it names would block.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if target, err := os.Readlink(path); err == nil {
			return fmt.Errorf("is a link to %s, which does not exist", target)
		}
		return errors.New("does not exist")
	case err != nil:
		return fmt.Errorf("cannot be read: %w", withoutPath(err))
	case !info.Mode().IsRegular():
		return errors.New("is not a regular file")
	}
	return nil
}

// readFile reads the text in a regular file, no further than most bytes. PowerShell
// writes it in UTF-16.
func readFile(path string, most int64) ([]byte, error) {
	if err := checkFile(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	return diag.UTF8(data), nil
}

// checkRoot returns an error if a file is not a trusted root of a Sigstore, as
// far as that can be told without what verifies with it.
func checkRoot(path string) error {
	data, err := readFile(path, maxRoot)
	if err != nil {
		return err
	}
	var root struct {
		MediaType   string            `json:"mediaType"`
		Authorities []json.RawMessage `json:"certificateAuthorities"`
	}
	err = json.Unmarshal(data, &root)
	switch {
	case errors.As(err, new(*json.UnmarshalTypeError)):
		return errors.New("is not a trusted root: its JSON is of another kind")
	case err != nil:
		return fmt.Errorf("is not a trusted root: %w", err)
	case !strings.HasPrefix(root.MediaType, "application/vnd.dev.sigstore.trustedroot"):
		return fmt.Errorf("is not a trusted root: its mediaType is %q", root.MediaType)
	case len(root.Authorities) == 0:
		return errors.New("is not a trusted root: it names no certificate authority")
	}
	return nil
}

// withoutPath drops operation and path from a file error, whose message names
// the file already.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// fingerprint returns "sha256:" and the hex digest of the public key in a PEM
// file, over its DER (RFC 5280, SubjectPublicKeyInfo).
func fingerprint(path string) (string, error) {
	data, err := readFile(path, maxKey)
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return "", errors.New("is not a public key: it has no PEM block")
	}
	if block.Type != "PUBLIC KEY" {
		return "", fmt.Errorf("is not a public key: its PEM block is a %q", block.Type)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("is not a public key: %w", err)
	}
	switch key.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PublicKey:
	default:
		return "", errors.New("is a public key of another kind than ECDSA, Ed25519 and RSA")
	}
	sum := sha256.Sum256(block.Bytes)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
