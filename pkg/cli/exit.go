package cli

import (
	"context"
	"errors"
	"fmt"
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

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

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

func (e *drift) Error() string { return e.text }

// refused is a failure of exit code 1 that is this package's own to tell.
type refused struct {
	text string
	hint []string
}

func (e *refused) Error() string { return e.text }

// interrupted is what an error becomes when the user ended the command.
type interrupted struct{ err error }

func (e *interrupted) Error() string { return "interrupted" }
func (e *interrupted) Unwrap() error { return e.err }

// childExit is the exit code of a program that `run` started.
type childExit struct{ code int }

func (e *childExit) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// exitCode maps an error to the exit code that the contract gives it. Of
// several failures the first of integrity, denied, unsatisfied, unreachable,
// failure decides: that is the order in which a person must act.
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
	found := map[int]bool{}
	for _, e := range leaves(err) {
		found[exitOf(e)] = true
	}
	for _, code := range []int{exitUsage, exitOutOfDate, exitIntegrity, exitDenied, exitUnsatisfied, exitUnreachable} {
		if found[code] {
			return code
		}
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
