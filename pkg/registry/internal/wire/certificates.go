package wire

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// ReadText reads a file that people write, without the byte order mark that
// some editors put first; marked says that there was one.
func ReadText(file string) (data []byte, marked bool, err error) {
	data, err = os.ReadFile(file)
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(data, []byte(mark)) {
			return nil, true, ErrUTF16
		}
	}
	data, marked = bytes.CutPrefix(data, []byte("\xef\xbb\xbf"))
	return data, marked, err
}

// ErrUTF16 says that a text is not UTF-8.
var ErrUTF16 = errors.New("is UTF-16: save it as UTF-8")

// addAuthorities adds the certificates of a PEM file to a pool. One that does
// not parse is passed over if there are others; Go's reason is reported if
// there are none. Errors: *CertificateError.
func addAuthorities(pool *x509.CertPool, file string) error {
	rest, _, err := ReadText(file)
	if err != nil {
		return certificateError(file, err)
	}
	var bad error
	good, count := 0, 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		count++
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			if bad == nil {
				bad = fmt.Errorf("certificate %d of this PEM file: %w", count, err)
			}
			continue
		}
		good++
		pool.AddCert(cert)
	}
	switch {
	case good > 0:
		return nil
	case bad != nil:
		return &CertificateError{file, bad}
	}
	return &CertificateError{file, errors.New("holds no PEM certificate")}
}

// clientCertificate reads a certificate and its key. Errors: *CertificateError.
func clientCertificate(certFile, keyFile string) (tls.Certificate, error) {
	cert, _, err := ReadText(certFile)
	if err != nil {
		return tls.Certificate{}, certificateError(certFile, err)
	}
	key, _, err := ReadText(keyFile)
	if err != nil {
		return tls.Certificate{}, certificateError(keyFile, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, certificateError(certFile, err)
	}
	return pair, nil
}
