package registry

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func wantsCertificate(s *httptest.Server) {
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
}

// negative is a certificate with a serial number that Go refuses. Go would not
// make it either: the sign is written into the bytes.
func negative(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(0x5a5a5a5a), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der = bytes.Replace(der, []byte{0x02, 0x04, 0x5a, 0x5a, 0x5a, 0x5a}, []byte{0x02, 0x04, 0xda, 0x5a, 0x5a, 0x5a}, 1)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// A file of certificates is taken as people have them, and Go's own reason told
// if it is not.
func TestAuthorities(t *testing.T) {
	r := registrytest.NewTLS(t, nil)
	r.Manifest(t, "db/x", "one", "1.0.0")
	good, err := os.ReadFile(caFile(t, r.Server))
	if err != nil {
		t.Fatal(err)
	}
	bad := negative(t)
	wide := []byte("\xff\xfe")
	for _, u := range utf16.Encode([]rune(string(good))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for name, tc := range map[string]struct {
		data    []byte
		problem string
	}{
		"as made":           {good, ""},
		"Windows lines":     {bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), ""},
		"a byte order mark": {append([]byte("\xef\xbb\xbf"), good...), ""},
		"words before":      {append([]byte("subject: x\n"), good...), ""},
		"no last line end":  {bytes.TrimSpace(good), ""},
		"a bad one before":  {append(bytes.Clone(bad), good...), ""},
		"a bad one alone":   {bad, "certificate 1 of this PEM file: x509: negative serial number"},
		"UTF-16":            {wide, "UTF-16"},
		"DER":               {r.Certificate().Raw, "holds no PEM certificate"},
		"nothing":           {nil, "holds no PEM certificate"},
	} {
		file := filepath.Join(t.TempDir(), "ca.pem")
		write(t, file, tc.data)
		c, k := newClient(t, Options{CAFile: file})
		_, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
		if tc.problem == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if e := wantError[*CertificateError](t, err); e.File != file || !strings.Contains(err.Error(), tc.problem) || len(k.slept) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
