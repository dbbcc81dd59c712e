// Package fault names the kinds of failure. Every typed error of this module
// states its own kind in a method Kind; what a program does about a failure, an
// exit code say, follows from the kind and from nothing else.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind is what sort of failure an error is. The zero value is Failure.
type Kind int

// The kinds.
const (
	Failure     Kind = iota // anything else: a full disk, a file in the way
	Usage                   // a command line, or a file that does not parse
	Stale                   // the lock, or what is installed, is out of date
	Unsatisfied             // nothing satisfies what is asked for
	Unreachable             // a registry is out of reach or failing: worth another try
	Denied                  // authentication or permission
	Integrity               // content is not what a digest, checksum or signature says
)

func (k Kind) String() string {
	switch k {
	case Usage:
		return "usage"
	case Stale:
		return "stale"
	case Unsatisfied:
		return "unsatisfied"
	case Unreachable:
		return "unreachable"
	case Denied:
		return "denied"
	case Integrity:
		return "integrity"
	}
	return "failure"
}

// Errorf returns an error of a kind that has no facts to tell but its text.
func Errorf(kind Kind, format string, args ...any) error {
	return &plain{kind, fmt.Sprintf(format, args...)}
}

type plain struct {
	kind Kind
	text string
}

func (e *plain) Error() string { return e.text }
func (e *plain) Kind() Kind    { return e.kind }

// order is the order in which a person must act on several failures.
func order() []Kind {
	return []Kind{Integrity, Denied, Unsatisfied, Unreachable, Usage, Stale}
}

// Of returns the kind of an error: what the outermost error with a method
// Kind() Kind says. Of several errors that are joined, the first of Integrity,
// Denied, Unsatisfied, Unreachable, Usage and Stale decides. A deadline that
// has passed is Unreachable; a nil error is a Failure.
func Of(err error) Kind {
	found := map[Kind]bool{}
	collect(err, found)
	for _, k := range order() {
		if found[k] {
			return k
		}
	}
	return Failure
}

func collect(err error, found map[Kind]bool) {
	for err != nil {
		if e, ok := err.(interface{ Kind() Kind }); ok {
			found[e.Kind()] = true
			return
		}
		switch e := err.(type) {
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				collect(one, found)
			}
			return
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		default:
			if errors.Is(err, context.DeadlineExceeded) {
				found[Unreachable] = true
			}
			return
		}
	}
}

// Each returns the errors that errors.Join or a list of failures holds, or the one
// that it is.
func Each(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range many.Unwrap() {
			out = append(out, Each(e)...)
		}
		if len(out) > 0 {
			return out
		}
	}
	return []error{err}
}
