package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// NetworkKind is why a host could not be reached.
type NetworkKind string

// The kinds of UnreachableError.
const (
	NetworkDNS     NetworkKind = "dns"     // the name does not resolve
	NetworkRefused NetworkKind = "refused" // nothing listens
	NetworkTimeout NetworkKind = "timeout" // no connection, no answer, or a body that stands still
	NetworkReset   NetworkKind = "reset"   // cut on the way, again and again
	NetworkProxy   NetworkKind = "proxy"   // the proxy is not there or will not
	NetworkOther   NetworkKind = "network"
)

// UnreachableError says that no answer came.
type UnreachableError struct {
	Host  string
	Cause NetworkKind
	Err   error // without the URL, which can hold secrets
}

func (e *UnreachableError) Error() string {
	switch e.Cause {
	case NetworkDNS:
		if dns := (*net.DNSError)(nil); errors.As(e.Err, &dns) && !dns.IsNotFound {
			return fmt.Sprintf("%s: the name server does not answer: %s", e.Host, dns.Err)
		}
		return e.Host + ": no such host"
	case NetworkRefused:
		return e.Host + ": connection refused"
	case NetworkProxy:
		return fmt.Sprintf("%s: the proxy refuses: %v", e.Host, e.Err)
	}
	return fmt.Sprintf("%s: unreachable: %v", e.Host, e.Err)
}

func (e *UnreachableError) Kind() fault.Kind { return fault.Unreachable }
func (e *UnreachableError) Unwrap() error    { return e.Err }

// TLSKind is why a TLS connection failed.
type TLSKind string

// The kinds of TLSError.
const (
	TLSUnknownAuthority  TLSKind = "unknownAuthority"
	TLSHostname          TLSKind = "hostname"          // the certificate is another host's
	TLSExpired           TLSKind = "expired"           // or not valid yet
	TLSClientCertificate TLSKind = "clientCertificate" // the server asks for one, or refuses ours
	TLSOther             TLSKind = "other"
)

// TLSError says that a host's certificate is not trusted, or that the
// handshake failed.
type TLSError struct {
	Host  string
	Cause TLSKind
	Err   error
}

func (e *TLSError) Error() string {
	if e.Cause == TLSUnknownAuthority {
		return e.Host + ": certificate signed by unknown authority"
	}
	return fmt.Sprintf("%s: %v", e.Host, e.Err)
}

func (e *TLSError) Kind() fault.Kind { return fault.Unreachable }
func (e *TLSError) Unwrap() error    { return e.Err }

// SchemeError says that a server speaks the other one of HTTP and HTTPS.
type SchemeError struct {
	Host string
	Used string // "http" or "https"
}

func (e *SchemeError) Error() string {
	if e.Used == "https" {
		return e.Host + ": speaks plain HTTP, was asked over HTTPS"
	}
	return e.Host + ": speaks HTTPS, was asked over plain HTTP"
}

func (e *SchemeError) Kind() fault.Kind { return fault.Unreachable }

// CertificateError says why a file of certificates or a key, which the Options
// name, cannot be used.
type CertificateError struct {
	File string
	Err  error
}

func (e *CertificateError) Error() string    { return e.File + ": " + e.Err.Error() }
func (e *CertificateError) Kind() fault.Kind { return fault.Failure }
func (e *CertificateError) Unwrap() error    { return e.Err }

// certificateError names the file that does not open, or the one that was meant.
func certificateError(file string, err error) *CertificateError {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return &CertificateError{path.Path, path.Err}
	}
	return &CertificateError{file, err}
}
