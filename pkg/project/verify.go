package project

import (
	"context"
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Verifier holds what lock entries pin against trust rules: the project's, and
// whichever others it knows.
type Verifier interface {
	// Verify returns who signed an entry, of those whom the project's rules admit;
	// nil where they ask for nobody. It is called from several goroutines. Errors:
	// *RefusedError where a rule is not satisfied; any other means that nothing
	// can be said.
	Verify(ctx context.Context, v Verification) (*lockfile.Signature, error)
}

// Verification is a question to a Verifier.
type Verification struct {
	Manifest   *manifest.Manifest  // whose trust rules are the project's; nil where there is none
	Entry      lockfile.Plugin     // its Signature is what the lock says of this very content, nil for nothing
	Before     *lockfile.Signature // who signed what the entry replaces, preferred to others who signed it too; nil for nobody
	Repository registry.Repository // where the entry's content and signatures are
	Platforms  []artifact.Platform // those that matter now, of the entry's

	// Rotates: the rule admits Before's key still, and whichever other it lists may
	// take its place.
	Rotates bool

	// CheckChain holds the chain from what is signed to the layers of Platforms
	// against the repository, and where a signature is asked for also what the release
	// states of itself: a signature is of no other version.
	CheckChain func(ctx context.Context, signed bool) error
	// Again asks for everything anew, whatever is remembered.
	Again bool
}

// RefusedError says that a driver does not satisfy a trust rule.
type RefusedError struct {
	Name string
	Err  error
}

func (e *RefusedError) Error() string { return e.Name + ": " + e.Err.Error() }

// Kind is fault.Integrity.
func (e *RefusedError) Kind() fault.Kind { return fault.Integrity }

// Unwrap returns what the Verifier found.
func (e *RefusedError) Unwrap() error { return e.Err }

// SignerError says that a driver would come from another signer than is locked,
// though the rules may admit both. A lock goes from one to another, or to none,
// only where somebody says so.
type SignerError struct {
	Name          string
	Locked, Found *lockfile.Signature // Found is nil where no rule asks for one any more
	Moved         bool                // to other content; else the lock is wrong about what it has
	Merging       bool                // two locks; Locked is what ours says
}

func (e *SignerError) Error() string {
	switch {
	case e.Found == nil:
		return fmt.Sprintf("%s: is locked as signed by %s, and no trust rule asks who signed what would replace it", e.Name, e.Locked)
	case e.Moved:
		return fmt.Sprintf("%s: is locked as signed by %s, and what would replace it is signed by %s", e.Name, e.Locked, e.Found)
	}
	return fmt.Sprintf("%s: is locked as signed by %s, and it is signed by %s", e.Name, e.Locked, e.Found)
}

// Kind is fault.Integrity.
func (e *SignerError) Kind() fault.Kind { return fault.Integrity }

// NoVerifierError says that a trust rule asks for a signature, or admits nothing
// of a repository, and the program was built without what verifies signatures.
type NoVerifierError struct{ File, Repository string }

func (e *NoVerifierError) Error() string {
	return e.Repository + ": the trust rules in " + e.File + " ask for a signature, and this program cannot verify signatures"
}

// Kind is fault.Integrity.
func (e *NoVerifierError) Kind() fault.Kind { return fault.Integrity }
