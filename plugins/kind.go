package plugins

import "github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"

// Kind is what sort of failure an error is.
type Kind string

// The kinds. The command line exits with the number after each.
const (
	Failure     Kind = "failure"     // anything else: a full disk, a file in the way (1)
	Usage       Kind = "usage"       // no manifest; a manifest, lock or config that does not parse; a bad name (2)
	Stale       Kind = "stale"       // the lock is missing or out of date (3)
	Unsatisfied Kind = "unsatisfied" // no version, platform or repository satisfies the manifest (4)
	Unreachable Kind = "unreachable" // a registry is out of reach or failing: worth another try (5)
	Denied      Kind = "denied"      // a registry refuses these credentials, or wants some (6)
	Integrity   Kind = "integrity"   // a digest, checksum or signature does not hold (7)
)

// KindOf returns the kind of an error that this package returned; of several
// that are joined the first of Integrity, Denied, Unsatisfied and Unreachable.
func KindOf(err error) Kind { return Kind(fault.Of(err).String()) }
