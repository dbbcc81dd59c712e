package trust

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// wide is a text of ASCII in UTF-16, with a byte order mark.
func wide(text []byte) []byte {
	out := []byte("\xff\xfe")
	for _, c := range text {
		out = append(out, c, 0)
	}
	return out
}

// The forms in which openssl writes private keys.
func TestPrivateKeyForms(t *testing.T) {
	ec := newRaw(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte, headers map[string]string) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der, Headers: headers})
	}
	parameters := block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}, nil)
	scrambled := map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}
	ecPrint, _ := newKey(t, ec)
	rsaPrint, _ := newKey(t, rsaKey)
	for name, c := range map[string]struct {
		data    []byte
		want    Signer
		foreign bool
	}{
		"PKCS #8":                {block("PRIVATE KEY", pkcs8, nil), ecPrint.Signer(), false},
		"SEC 1":                  {block("EC PRIVATE KEY", sec1, nil), ecPrint.Signer(), false},
		"SEC 1 after parameters": {bytes.Join([][]byte{parameters, block("EC PRIVATE KEY", sec1, nil)}, nil), ecPrint.Signer(), false},
		"PKCS #1":                {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), rsaPrint.Signer(), false},
		"as PowerShell writes":   {wide(block("EC PRIVATE KEY", sec1, nil)), ecPrint.Signer(), false},
		"parameters alone":       {parameters, Signer{}, false},
		"damaged":                {block("EC PRIVATE KEY", sec1[1:], nil), Signer{}, false},
		"encrypted PKCS #8":      {block("ENCRYPTED PRIVATE KEY", pkcs8, nil), Signer{}, true},
		"encrypted SEC 1":        {block("EC PRIVATE KEY", sec1, scrambled), Signer{}, true},
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := LoadPrivateKey(file, nil)
		if !c.want.IsZero() {
			if err != nil || k.Signer() != c.want {
				t.Errorf("%s: %v, %v", name, k, err)
			}
			continue
		}
		var e *KeyError
		if !errors.As(err, &e) || e.Foreign != c.foreign || e.Locked {
			t.Errorf("%s: %v", name, err)
		}
	}
}
