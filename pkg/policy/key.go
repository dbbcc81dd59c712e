package policy

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxKey is far above the size of any public key in PEM.
const maxKey = 64 << 10

// checkFile returns an error where path is no regular file. A manifest comes
// from a pull request too: opening a pipe or a device that it names would block.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("does not exist")
	case err != nil:
		return fmt.Errorf("cannot be read: %w", withoutPath(err))
	case !info.Mode().IsRegular():
		return errors.New("is no regular file")
	}
	return nil
}

// withoutPath drops operation and path from a file error, whose message names
// the file already.
func withoutPath(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// fingerprint returns "sha256:" and the hex digest of the public key in a PEM
// file, over its DER (RFC 5280, SubjectPublicKeyInfo).
func fingerprint(path string) (string, error) {
	if err := checkFile(path); err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return "", fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return "", errors.New("is no public key: it has no PEM block")
	}
	if block.Type != "PUBLIC KEY" {
		return "", fmt.Errorf("is no public key: its PEM block is a %q", block.Type)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("is no public key: %w", err)
	}
	switch key.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PublicKey:
	default:
		return "", errors.New("is a public key of another kind than ECDSA, Ed25519 and RSA")
	}
	sum := sha256.Sum256(block.Bytes)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
