// Package hint knows what to do about an error: one table maps the errors of all
// packages to the exact command to run, and docs/troubleshooting.md is written from
// it. The errors of the command line itself are here too.
package hint

import (
	"errors"
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// UsageError is a command line that cannot be carried out.
type UsageError struct {
	Err     error
	Command string // whose --help to read; "" for none
}

func (e *UsageError) Error() string    { return e.Err.Error() }
func (e *UsageError) Unwrap() error    { return e.Err }
func (e *UsageError) Kind() fault.Kind { return fault.Usage }

// Usagef returns a *UsageError.
func Usagef(format string, args ...any) error { return &UsageError{Err: fmt.Errorf(format, args...)} }

// Usage makes an error one of usage; none stays none.
func Usage(err error) error {
	if err == nil {
		return nil
	}
	return &UsageError{Err: err}
}

// DriftError is a check that found a difference; the check has printed it.
type DriftError struct {
	Text string
	Next string // what to run; "" for a sync
}

func (e *DriftError) Error() string    { return e.Text }
func (e *DriftError) Kind() fault.Kind { return fault.Stale }

// RefusedError is a failure that a command tells itself.
type RefusedError struct {
	Text  string
	Hints []string
}

func (e *RefusedError) Error() string    { return e.Text }
func (e *RefusedError) Kind() fault.Kind { return fault.Failure }

// Refuse returns a *RefusedError.
func Refuse(text string, hints ...string) error { return &RefusedError{text, hints} }

// AdvisedError is an error for which a command knows what to do better than its
// type tells.
type AdvisedError struct {
	Err   error
	Hints []string
}

func (e *AdvisedError) Error() string    { return e.Err.Error() }
func (e *AdvisedError) Unwrap() error    { return e.Err }
func (e *AdvisedError) Kind() fault.Kind { return fault.Of(e.Err) }

// With returns an *AdvisedError.
func With(err error, hints ...string) error { return &AdvisedError{err, hints} }

// Online puts a better hint to being offline where nothing but the registry
// will do, so that no bundle helps.
func Online(err error) error {
	if errors.As(err, new(*registry.OfflineError)) {
		return With(err, "this needs the registry: drop --offline and unset SCHEMAHERO_PLUGIN_OFFLINE")
	}
	return err
}

// ExitError is the exit code of a program that `run` started, which has told what
// there was to tell.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// Kind is fault.Failure; the exit code is the program's.
func (e *ExitError) Kind() fault.Kind { return fault.Failure }
