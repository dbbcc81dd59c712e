package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// NotFoundError says that a registry answered 404, or that a layout has no such
// thing. It matches artifact.ErrNotFound.
type NotFoundError struct {
	Repository string
	Reference  string // a tag or digest; "" if the repository itself is missing
	Host       string // that said so, "" for layouts
	Codes      []ErrorCode
	Write      bool // the repository was to be written to: some registries make none by themselves
}

func (e *NotFoundError) Error() string {
	if e.Write {
		return e.Repository + ": repository not found" + said(e.Codes)
	}
	return artifact.Reference(e.Repository, e.Reference) + ": not found" + said(e.Codes)
}

func (e *NotFoundError) Kind() fault.Kind { return fault.Unsatisfied }

// Is matches artifact.ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == artifact.ErrNotFound }

// AuthKind says why a registry refused.
type AuthKind string

// The kinds of AuthError.
const (
	AuthMissing      AuthKind = "missing"      // none are stored for this registry
	AuthWrong        AuthKind = "wrong"        // the registry does not accept them
	AuthInsufficient AuthKind = "insufficient" // accepted, but not for this repository or action
	AuthDenied       AuthKind = "denied"       // a 403 to a request without credentials, which were not asked for
	AuthUnsupported  AuthKind = "unsupported"  // the registry asks in no way that is known here: none were sent
)

// AuthError is a 401 or 403. If no credentials were sent it matches
// artifact.ErrDenied: many registries say this of what does not exist.
type AuthError struct {
	Registry   string // host that refused, the mirror's if it was one
	Repository string // "" for the registry as a whole
	Cause      AuthKind
	Username   string // "" if none, or a token, was sent
	Source     string // file or helper the credentials came from
	Helper     error  // why a credential helper gave none, nil if none failed
	Scheme     string // of kind AuthUnsupported: what is asked for, "" if the registry does not say
	Codes      []ErrorCode
}

func (e *AuthError) Error() string {
	problem := "unauthorized: the registry asks for credentials and none are stored for it"
	switch e.Cause {
	case AuthWrong:
		problem = "unauthorized: the registry does not accept the credentials"
	case AuthInsufficient:
		problem = "denied: the credentials do not allow this"
	case AuthDenied:
		problem = "denied: the registry refuses this and asks for no credentials"
	case AuthUnsupported:
		problem = "unauthorized: the registry does not say which credentials it asks for"
		if e.Scheme != "" {
			problem = "unauthorized: the registry asks for a scheme that is not supported (" + e.Scheme + ")"
		}
	}
	switch {
	case e.Username != "" && e.Source != "":
		problem += " (user " + e.Username + ", from " + e.Source + ")"
	case e.Username != "":
		problem += " (user " + e.Username + ")"
	case e.Source != "":
		problem += " (a token from " + e.Source + ")"
	}
	switch {
	case e.Helper != nil && e.Cause == AuthMissing:
		problem = "unauthorized: the registry asks for credentials and none could be read; " + e.Helper.Error()
	case e.Helper != nil:
		problem += "; " + e.Helper.Error()
	}
	at := e.Repository
	if at == "" || !strings.HasPrefix(at, e.Registry+"/") {
		at = strings.TrimSuffix(e.Registry+": "+at, ": ")
	}
	return at + ": " + problem + said(e.Codes)
}

func (e *AuthError) Kind() fault.Kind { return fault.Denied }

// Is matches artifact.ErrDenied for requests without credentials.
func (e *AuthError) Is(target error) bool {
	return target == artifact.ErrDenied && (e.Cause == AuthMissing || e.Cause == AuthDenied || e.Cause == AuthUnsupported)
}

// StatusError is an answer that says no, and for which there is no better type.
type StatusError struct {
	Host       string
	TokenHost  string // the token service of the registry if that answered, or ""
	Storage    string // the host that the registry redirected to if that answered, or ""
	Repository string // "" for the registry as a whole
	Reference  string // a tag or digest, or ""
	Method     string
	Status     int
	Codes      []ErrorCode
	RetryAfter time.Duration // what the registry asked for, 0 if nothing
	Waited     time.Duration // how long it was waited for because the registry asked to
}

func (e *StatusError) Error() string {
	at := artifact.Reference(e.Repository, e.Reference)
	if at == "" || !strings.HasPrefix(at, e.Host+"/") {
		at = strings.TrimSuffix(e.Host+": "+at, ": ")
	}
	if e.TokenHost != "" {
		at += ": the token service " + e.TokenHost
	}
	if e.Storage != "" {
		at += ": the storage " + e.Storage
	}
	text := fmt.Sprintf("%s: %s answered %d %s", at, e.Method, e.Status, http.StatusText(e.Status))
	for _, c := range e.Codes {
		text += "; " + c.String()
	}
	if e.RetryAfter > maxRetryAfter { // less is waited for, and reported then
		text += "; it asks to wait " + e.RetryAfter.String()
	}
	if e.Waited > 0 {
		text += "; waited " + e.Waited.Round(time.Second).String() + " as it asked"
	}
	return text
}

// Kind is fault.Unreachable, fault.Denied if the registry says that it refuses,
// whatever the status, and fault.Failure if it refuses to write what it was
// sent: trying again is of no use.
func (e *StatusError) Kind() fault.Kind {
	for _, c := range e.Codes {
		if e.Storage == "" && (c.Code == "DENIED" || c.Code == "UNAUTHORIZED") {
			return fault.Denied
		}
	}
	write := e.Method == http.MethodPut || e.Method == http.MethodPost
	if write && e.TokenHost == "" && e.Status < 500 && !Retriable(e) {
		return fault.Failure
	}
	return fault.Unreachable
}

// ProtocolError is an answer that does not follow the specification, so that
// nothing can be made of it.
type ProtocolError struct {
	Host    string
	Subject string // repository, tag list, manifest
	Problem string
}

func (e *ProtocolError) Error() string {
	return e.Subject + ": " + e.Problem + " (served by " + e.Host + ")"
}

func (e *ProtocolError) Kind() fault.Kind { return fault.Unreachable }

// OfflineError says what would have needed a connection.
type OfflineError struct {
	What string // a repository, HOST/PATH:TAG or HOST/PATH@DIGEST
}

func (e *OfflineError) Error() string    { return e.What + ": not available offline" }
func (e *OfflineError) Kind() fault.Kind { return fault.Failure }

// TokenError wraps why no token could be had. Its tries are used up: the request
// that needs the token is not tried again for it.
type TokenError struct {
	Registry string // whose token service it is: nobody named that host
	Err      error
}

func (e *TokenError) Error() string {
	if Unreachable(e.Err) {
		return e.Registry + ": its token service " + e.Err.Error()
	}
	return e.Err.Error()
}

func (e *TokenError) Unwrap() error    { return e.Err }
func (e *TokenError) Kind() fault.Kind { return fault.Of(e.Err) }

// Unreachable reports whether no answer came.
func Unreachable(err error) bool {
	return errors.As(err, new(*UnreachableError)) || errors.As(err, new(*TLSError)) || errors.As(err, new(*SchemeError))
}

// Unparsed makes a *ProtocolError of an error in parsing, and leaves one in
// reading as it is.
func Unparsed(err error, host, subject, problem string) error {
	if err == nil || IsContext(err) || errors.As(err, new(*UnreachableError)) || errors.As(err, new(*ProtocolError)) {
		return err
	}
	return &ProtocolError{host, subject, problem}
}

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
