package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// The exit codes. Scripts rely on them.
const (
	exitDone        = 0
	exitFailure     = 1
	exitUsage       = 2
	exitOutOfDate   = 3
	exitUnsatisfied = 4
	exitUnreachable = 5
	exitDenied      = 6
	exitIntegrity   = 7
	exitInterrupted = 130
)

// usageError is a command line that cannot be carried out.
type usageError struct {
	err     error
	command string // whose --help to read; "" for none
}

func (e *usageError) Error() string    { return e.err.Error() }
func (e *usageError) Kind() fault.Kind { return fault.Usage }
func (e *usageError) Unwrap() error    { return e.err }

func usagef(format string, args ...any) error { return &usageError{err: fmt.Errorf(format, args...)} }

func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err: err}
}

// drift is a check that found a difference; the check has printed it.
type drift struct {
	text string
	next string // what to run; "" for a sync
}

func (e *drift) Error() string    { return e.text }
func (e *drift) Kind() fault.Kind { return fault.Stale }

// refused is a failure of exit code 1 that is this package's own to tell.
type refused struct {
	text string
	hint []string
}

func (e *refused) Error() string    { return e.text }
func (e *refused) Kind() fault.Kind { return fault.Failure }

// advised is an error for which a command knows what to do better than its type
// tells.
type advised struct {
	err  error
	hint []string
}

func (e *advised) Error() string    { return e.err.Error() }
func (e *advised) Kind() fault.Kind { return fault.Of(e.err) }
func (e *advised) Unwrap() error    { return e.err }

// interrupted is what an error becomes when the user ended the command.
type interrupted struct{ err error }

func (e *interrupted) Error() string { return "interrupted" }
func (e *interrupted) Unwrap() error { return e.err }

// childExit is the exit code of a program that `run` started.
type childExit struct{ code int }

func (e *childExit) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// exitCode returns the exit code of an error: its kind decides, and nothing else.
func exitCode(err error) int {
	var child *childExit
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &child):
		return child.code
	case errors.As(err, new(*interrupted)):
		return exitInterrupted
	}
	switch fault.Of(err) {
	case fault.Usage:
		return exitUsage
	case fault.Stale:
		return exitOutOfDate
	case fault.Unsatisfied:
		return exitUnsatisfied
	case fault.Unreachable:
		return exitUnreachable
	case fault.Denied:
		return exitDenied
	case fault.Integrity:
		return exitIntegrity
	}
	return exitFailure
}

// leaves returns the errors that errors.Join or a list of failures holds.
func leaves(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range many.Unwrap() {
			out = append(out, leaves(e)...)
		}
		if len(out) > 0 {
			return out
		}
	}
	return []error{err}
}

func isTimeout(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
