package transfer

import (
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// GraphError says that a lock's entry cannot be carried as it is: what its
// digest names does not lead to what the lock would install.
type GraphError struct {
	Plugin     string
	Repository string
	Digest     digest.Digest // what is not reached
	Problem    string
}

func (e *GraphError) Error() string {
	return fmt.Sprintf("%s: %s@%s %s", e.Plugin, e.Repository, e.Digest, e.Problem)
}

func (e *GraphError) Kind() fault.Kind { return fault.Integrity }

// LimitError says that more belongs to a release than is carried.
type LimitError struct {
	Repository string
	Release    string // NAME-VERSION, a tag or a digest
	Limit      string // as "1000 manifests"
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %s: more than %s belong to it, and no more than that are copied", e.Repository, e.Release, e.Limit)
}

func (e *LimitError) Kind() fault.Kind { return fault.Integrity }

// Problem is something that could not be carried and without which the rest is
// of use all the same.
type Problem struct {
	Repository string
	Subject    string // a tag or digest
	Err        error
}

func (p Problem) String() string { return fmt.Sprintf("%s: %s: %v", p.Repository, p.Subject, p.Err) }

// SparseError says that a registry refused an index, or a manifest, of which it
// was not given everything, because other platforms were left out.
type SparseError struct{ Err error }

func (e *SparseError) Error() string {
	return fmt.Sprintf("refused without its other platforms: %v", e.Err)
}

func (e *SparseError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *SparseError) Unwrap() error    { return e.Err }

// MissingError says that a source lacks a layer, or a manifest, that a lock pins.
type MissingError struct {
	Source   string // file or folder
	Plugin   string
	Digest   digest.Digest
	Vendored bool // Source is the layout that the lock itself names
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s: lacks what the lock has of %s: %s", e.Source, e.Plugin, e.Digest)
}

func (e *MissingError) Kind() fault.Kind { return fault.Failure }
