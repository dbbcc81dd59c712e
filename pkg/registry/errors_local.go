package registry

import (
	"fmt"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// BundleError says why a layout or bundle cannot be used at all.
type BundleError struct {
	File     string
	Problem  string
	NoBundle bool // it is something else altogether
}

func (e *BundleError) Error() string { return e.File + ": " + e.Problem }

// Kind is fault.Integrity.
func (e *BundleError) Kind() fault.Kind { return fault.Integrity }

// CredentialsError says why a credential file could not be used. It bears no
// secret.
type CredentialsError struct {
	File    string
	Problem string
}

func (e *CredentialsError) Error() string { return e.File + ": " + e.Problem }

// Kind is fault.Failure.
func (e *CredentialsError) Kind() fault.Kind { return fault.Failure }

// subject joins a repository and what was asked of it as references are
// written.
func subject(repository, reference string) string {
	switch {
	case reference == "":
		return repository
	case repository == "":
		return reference
	case strings.Contains(reference, ":"):
		return repository + "@" + reference
	}
	return repository + ":" + reference
}

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
