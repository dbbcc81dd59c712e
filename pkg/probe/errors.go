package probe

import (
	"fmt"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// HandshakeError says that a driver did not complete the handshake, or ended
// or broke off while it was asked.
type HandshakeError struct {
	Path    string // absolute
	Problem string // such as "ended with exit status 1 before the handshake"
	Stderr  string // the last lines that it wrote to standard error, if any
	Err     error  // what lies beneath, or nil
}

func (e *HandshakeError) Error() string    { return e.Path + ": " + e.Problem }
func (e *HandshakeError) Kind() fault.Kind { return fault.Failure }
func (e *HandshakeError) Unwrap() error    { return e.Err }

// ProtocolError says that a driver answered the handshake in a protocol that
// the host does not speak.
type ProtocolError struct {
	Path string // absolute
	Core int    // version of go-plugin's handshake; the host's is 1
	App  int    // version of the driver interface; the host's is 1
	RPC  string // "netrpc", which is the host's, or "grpc"
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("%s: speaks plugin protocol %d|%d %s, the host speaks %d|%d %s",
		e.Path, e.Core, e.App, e.RPC, coreProtocol, appProtocol, rpcProtocol)
}

func (e *ProtocolError) Kind() fault.Kind { return fault.Failure }

// PlatformError says that this machine cannot run the executable: it is for
// another operating system or processor, or no executable at all.
type PlatformError struct {
	Path  string // absolute
	OS    string // GOOS that it was built for, "" if the file does not tell
	Archs []string
	Err   error // the operating system's error
}

func (e *PlatformError) Error() string {
	if e.OS == "" {
		return e.Path + ": not an executable of this machine's kind"
	}
	return fmt.Sprintf("%s: built for %s, not for this machine", e.Path, Info{OS: e.OS, Archs: e.Archs}.Platform())
}

func (e *PlatformError) Kind() fault.Kind { return fault.Failure }
func (e *PlatformError) Unwrap() error    { return e.Err }

// LoaderError says that the program which an executable names to start it,
// such as the loader of a C library, is not on this machine.
type LoaderError struct {
	Path   string // absolute
	Loader string // such as "/lib/ld-musl-x86_64.so.1"; "" if the file does not tell
	Err    error  // the operating system's error
}

func (e *LoaderError) Error() string {
	if e.Loader == "" {
		return e.Path + ": the program that should start it is missing"
	}
	return fmt.Sprintf("%s: needs %s, which is missing", e.Path, e.Loader)
}

func (e *LoaderError) Kind() fault.Kind { return fault.Failure }
func (e *LoaderError) Unwrap() error    { return e.Err }

// TimeoutError says that a driver took longer than any may. That is a fault of
// its own, and not the caller's time being over.
type TimeoutError struct {
	Path   string // absolute
	After  time.Duration
	Stderr string // the last lines that it wrote to standard error, if any
}

func (e *TimeoutError) Error() string    { return fmt.Sprintf("%s: no answer after %s", e.Path, e.After) }
func (e *TimeoutError) Kind() fault.Kind { return fault.Failure }
