package registry

import (
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Deletion is the What of a NotSupportedError of a registry that deletes nothing.
const Deletion = "way to delete a manifest"

// NotSupportedError says that a registry lacks an optional part of the
// protocol.
type NotSupportedError struct {
	Host string
	What string
}

func (e *NotSupportedError) Error() string    { return e.Host + ": has no " + e.What }
func (e *NotSupportedError) Kind() fault.Kind { return fault.Failure }

// LimitError says that there was more than is read.
type LimitError struct {
	Subject string
	What    string
	Limit   int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: more than %d %s", e.Subject, e.Limit, e.What)
}

func (e *LimitError) Kind() fault.Kind { return fault.Unreachable }

// ReferenceError says why a string is not a repository.
type ReferenceError struct {
	Reference string
	Problem   string
}

func (e *ReferenceError) Error() string {
	return fmt.Sprintf("repository %q: %s", e.Reference, e.Problem)
}

func (e *ReferenceError) Kind() fault.Kind { return fault.Usage }

// LackedError says that a mirror answered and has no such thing, and that the
// origin, which might, is out of reach: behind an air gap that is how things are.
type LackedError struct {
	Mirror string // the last that was asked, a host
	Err    error  // the origin's
}

func (e *LackedError) Error() string {
	return fmt.Sprintf("%v, and the mirror %s does not have it", e.Err, e.Mirror)
}

func (e *LackedError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *LackedError) Unwrap() error    { return e.Err }
