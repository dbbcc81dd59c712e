package registry

import (
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// MissingError says that a layout lacks a blob or manifest which somebody, one of
// its manifests or a lock, names. It matches artifact.ErrNotFound.
type MissingError struct {
	Layout     string // file or folder
	Repository string
	Digest     digest.Digest
}

func (e *MissingError) Error() string {
	return e.Layout + ": lacks " + subject(e.Repository, e.Digest.String())
}

// Kind is fault.Failure.
func (e *MissingError) Kind() fault.Kind { return fault.Failure }

// Is matches artifact.ErrNotFound.
func (e *MissingError) Is(target error) bool { return target == artifact.ErrNotFound }

// NoLayoutError says that there is nothing where a layout should be.
type NoLayoutError struct {
	Repository string // oci-layout:DIR/NAME
	Dir        string
}

func (e *NoLayoutError) Error() string { return e.Repository + ": there is no folder " + e.Dir }

// Kind is fault.Failure.
func (e *NoLayoutError) Kind() fault.Kind { return fault.Failure }

// IntegrityError says that content is not what its digest or size promises.
type IntegrityError struct {
	Repository string
	ServedBy   string // host, or the layout or bundle; several with commas
	Digest     digest.Digest
	Got        digest.Digest // "" where the size already differed
	Size       int64         // bytes promised, -1 where not known
	GotSize    int64         // bytes seen, at least
	Problem    string        // where neither of them tells
}

func (e *IntegrityError) Error() string {
	problem := e.Problem
	switch {
	case problem != "":
	case e.Got != "":
		problem = "has digest " + e.Got.String()
	default:
		problem = fmt.Sprintf("size mismatch: %d bytes are expected, %d were sent", e.Size, e.GotSize)
	}
	text := subject(e.Repository, e.Digest.String()) + ": " + problem
	if e.ServedBy != "" {
		text += " (served by " + e.ServedBy + ")"
	}
	return text
}

// Kind is fault.Integrity.
func (e *IntegrityError) Kind() fault.Kind { return fault.Integrity }

// NotSupportedError says that a registry lacks an optional part of the
// protocol.
type NotSupportedError struct {
	Host string
	What string
}

func (e *NotSupportedError) Error() string { return e.Host + ": has no " + e.What }

// Kind is fault.Failure.
func (e *NotSupportedError) Kind() fault.Kind { return fault.Failure }

// ReadOnlyError says that a source cannot be written to.
type ReadOnlyError struct{ Source string }

func (e *ReadOnlyError) Error() string { return e.Source + ": is read-only" }

// Kind is fault.Failure.
func (e *ReadOnlyError) Kind() fault.Kind { return fault.Failure }

// LimitError says that there was more than is read.
type LimitError struct {
	Subject string
	What    string
	Limit   int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: more than %d %s", e.Subject, e.Limit, e.What)
}

// Kind is fault.Unreachable.
func (e *LimitError) Kind() fault.Kind { return fault.Unreachable }

// ReferenceError says why a string is no repository.
type ReferenceError struct {
	Reference string
	Problem   string
}

func (e *ReferenceError) Error() string {
	return fmt.Sprintf("repository %q: %s", e.Reference, e.Problem)
}

// Kind is fault.Usage.
func (e *ReferenceError) Kind() fault.Kind { return fault.Usage }

// BundleError says why a layout or bundle cannot be used at all.
type BundleError struct {
	File     string
	Problem  string
	NoBundle bool // it is something else altogether
}

func (e *BundleError) Error() string { return e.File + ": " + e.Problem }

// Kind is fault.Integrity.
func (e *BundleError) Kind() fault.Kind { return fault.Integrity }

// LackedError says that a mirror answered and has no such thing, and that the
// origin, which might, is out of reach: behind an air gap that is how things are.
type LackedError struct {
	Mirror string // the last that was asked, a host
	Err    error  // the origin's
}

func (e *LackedError) Error() string {
	return fmt.Sprintf("%v, and the mirror %s does not have it", e.Err, e.Mirror)
}

// Kind is that of Err.
func (e *LackedError) Kind() fault.Kind { return fault.Of(e.Err) }

func (e *LackedError) Unwrap() error { return e.Err }
