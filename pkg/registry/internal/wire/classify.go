package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// proxyError is a proxy's refusal to connect.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("answered %d %s", e.status, http.StatusText(e.status))
}

// redirectError is a hop that is not followed.
type redirectError struct {
	from    string // host that redirected
	problem string
}

func (e *redirectError) Error() string { return e.problem }

// errStalled is the cause with which the idle timeout cancels a request.
var errStalled = errors.New("no data for longer than the idle timeout")

// classify turns what net/http returns into the typed error that says which
// host failed and why. The *url.Error is taken off: its URL can be a signed
// one.
func classify(ctx context.Context, host, scheme string, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errStalled) {
		return ctx.Err()
	}
	asked := host
	var ue *url.Error
	for errors.As(err, &ue) {
		if u, perr := url.Parse(ue.URL); perr == nil && u.Host != "" {
			if host != u.Host && HostOf(host) != u.Host {
				host = u.Host // a redirect's target
			}
			scheme = u.Scheme
		}
		err = ue.Err
	}
	var (
		file     *CertificateError
		redirect *redirectError
		proxy    *proxyError
		op       *net.OpError
		dns      *net.DNSError
		record   tls.RecordHeaderError
		timeout  net.Error
	)
	switch {
	case errors.As(err, &file):
		return file
	case errors.As(err, &redirect):
		if redirect.from != HostOf(asked) {
			return &ProtocolError{Host: redirect.from, Subject: asked, Problem: redirect.problem}
		}
		return &ProtocolError{Host: asked, Subject: asked, Problem: redirect.problem}
	case errors.As(err, &proxy):
		return &UnreachableError{host, NetworkProxy, proxy}
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return &UnreachableError{host, NetworkProxy, plain(op.Err)}
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record) && strings.HasPrefix(record.Msg, "first record"):
		return &SchemeError{host, "https"} // net/http knows only servers whose answer begins with HTTP
	case scheme == "http" && strings.Contains(err.Error(), "malformed HTTP"):
		return &SchemeError{host, "http"}
	}
	if te := classifyTLS(host, err); te != nil {
		return te
	}
	switch {
	case errors.As(err, &dns):
		if dns.IsTimeout {
			return &UnreachableError{host, NetworkTimeout, plain(err)}
		}
		return &UnreachableError{host, NetworkDNS, plain(err)}
	case system.Is(err, syscall.ECONNREFUSED):
		return &UnreachableError{host, NetworkRefused, plain(err)}
	case errors.Is(err, errStalled), errors.Is(context.Cause(ctx), errStalled):
		return &UnreachableError{host, NetworkTimeout, errStalled}
	case errors.As(err, &timeout) && timeout.Timeout(), system.Is(err, syscall.ETIMEDOUT):
		return &UnreachableError{host, NetworkTimeout, plain(err)}
	case system.Is(err, syscall.EHOSTUNREACH), system.Is(err, syscall.ENETUNREACH), system.Is(err, syscall.EADDRNOTAVAIL):
		return &UnreachableError{host, NetworkOther, plain(err)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), system.Is(err, syscall.ECONNRESET), system.Is(err, syscall.EPIPE):
		return &UnreachableError{host, NetworkReset, plain(err)}
	case errors.As(err, &op) && op.Op == "dial":
		return &UnreachableError{host, NetworkOther, plain(err)}
	}
	// What remains is a connection that ended in the midst of something: HTTP/2
	// stream errors, a server that went away, broken framing.
	return &UnreachableError{host, NetworkReset, plain(err)}
}

func classifyTLS(host string, err error) *TLSError {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		op        *net.OpError
	)
	switch {
	case errors.As(err, &authority):
		return &TLSError{host, TLSUnknownAuthority, authority}
	case errors.As(err, &hostname):
		return &TLSError{host, TLSHostname, hostname}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &TLSError{host, TLSExpired, invalid}
	case errors.As(err, &verify):
		return &TLSError{host, TLSOther, verify.Err}
	case errors.As(err, &record):
		return &TLSError{host, TLSOther, record}
	case strings.HasPrefix(err.Error(), "tls: ") && !strings.Contains(err.Error(), "bad record MAC"):
		return &TLSError{host, TLSOther, err} // what the server showed is of no use: no try will do better
	case errors.As(err, &op) && op.Op == "remote error":
		// The server's alert. Those that name a certificate are about ours: it
		// asks for one, or refuses the one that it got (RFC 8446, 6.2).
		if strings.Contains(op.Err.Error(), "certificate") {
			return &TLSError{host, TLSClientCertificate, op.Err}
		}
		return &TLSError{host, TLSOther, op.Err}
	}
	return nil
}

// plain is an error without the addresses that net.OpError wraps around it:
// the host is named already.
func plain(err error) error {
	var op *net.OpError
	for errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	return err
}
