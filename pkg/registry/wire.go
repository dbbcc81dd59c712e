package registry

import (
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/auth"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// What belongs to a single request is documented in internal/wire.
type (
	// NotFoundError says that a registry answered 404, or that a layout has no
	// such thing. It matches artifact.ErrNotFound.
	NotFoundError = wire.NotFoundError
	// AuthError is a 401 or 403.
	AuthError = wire.AuthError
	// ErrorCode is one entry of a registry's error answer.
	ErrorCode = wire.ErrorCode
	// StatusError is an answer that says no, and for which there is no better
	// type.
	StatusError = wire.StatusError
	// ProtocolError is an answer that does not follow the specification.
	ProtocolError = wire.ProtocolError
	// OfflineError says what would have needed a connection.
	OfflineError = wire.OfflineError
	// UnreachableError says that no answer came.
	UnreachableError = wire.UnreachableError
	// TLSError says that a host's certificate is not trusted, or that the
	// handshake failed.
	TLSError = wire.TLSError
	// SchemeError says that a server speaks the other one of HTTP and HTTPS.
	SchemeError = wire.SchemeError
	// CertificateError says why a file of certificates or a key cannot be used.
	CertificateError = wire.CertificateError
	// CredentialsError says why a credential file or helper could not be used.
	CredentialsError = auth.CredentialsError

	// Host is what is peculiar to one registry.
	Host = wire.Host
	// CredentialPaths are the places in which credentials are looked for, in
	// the order of the fields. A Login is stored in the first file.
	CredentialPaths = auth.Paths
	// Stats is what a Client did so far.
	Stats = wire.Stats
	// Event is something that happened on the way to a result. It never holds a
	// secret.
	Event = wire.Event
)

// The kinds of AuthError.
const (
	AuthMissing      = wire.AuthMissing
	AuthWrong        = wire.AuthWrong
	AuthInsufficient = wire.AuthInsufficient
	AuthDenied       = wire.AuthDenied
	AuthUnsupported  = wire.AuthUnsupported
)

// The kinds of UnreachableError.
const (
	NetworkDNS     = wire.NetworkDNS
	NetworkRefused = wire.NetworkRefused
	NetworkReset   = wire.NetworkReset
	NetworkProxy   = wire.NetworkProxy
)

// The kinds of TLSError.
const (
	TLSUnknownAuthority  = wire.TLSUnknownAuthority
	TLSHostname          = wire.TLSHostname
	TLSExpired           = wire.TLSExpired
	TLSClientCertificate = wire.TLSClientCertificate
)

// The kinds of events.
const (
	EventRequest = wire.EventRequest
	EventRetry   = wire.EventRetry
	EventMirror  = wire.EventMirror
	EventResume  = wire.EventResume
	EventWarning = wire.EventWarning
)

// Kinds returns all kinds of requests in the order in which they are shown.
func Kinds() []wire.Kind { return wire.Kinds() }

// Conventional returns where docker and podman keep credentials, by the
// environment variables that they know. home is the user's home folder, "" for
// none, and uid the user's number, below 0 if there is none.
func Conventional(env func(key string) string, home string, uid int) CredentialPaths {
	return auth.Conventional(env, home, uid)
}

// SameRegistry reports whether two hosts are spellings of one registry: Docker
// Hub has several names, and HTTPS's own port can be left out.
func SameRegistry(a, b string) bool { return wire.OneName(a) == wire.OneName(b) }

// subject joins a repository and what was asked of it as references are
// written.
func subject(repository, reference string) string { return artifact.Reference(repository, reference) }

// broken says of a host's answer that nothing can be made of it.
func broken(host, subject, problem string) error {
	return &ProtocolError{Host: host, Subject: subject, Problem: problem}
}
