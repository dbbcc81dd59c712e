package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins"
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

// advised is an error for which a command knows what to do better than its type
// tells.
type advised struct {
	err  error
	hint []string
}

func (e *advised) Error() string { return e.err.Error() }
func (e *advised) Unwrap() error { return e.err }

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
	for _, code := range []int{exitIntegrity, exitDenied, exitUnsatisfied, exitUnreachable, exitUsage, exitOutOfDate} {
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

// exitOf maps one error, no list of several, to its exit code.
func exitOf(err error) int {
	var (
		usage    *usageError
		missing  *manifest.NotFoundError
		noEntry  *manifest.NotListedError
		newer    *lockfile.VersionError
		conflict *lockfile.ConflictError
		lockSize *lockfile.SizeError
		name     *artifact.NameError
		ref      *registry.ReferenceError
		drifted  *drift
		stale    *plugins.StaleError
		platform *plugins.PlatformError
		noRepo   *resolve.NoRepositoryError
		noVer    *resolve.NoVersionError
		noPlat   *resolve.PlatformError
		unsolved *resolve.ConflictError
		notFound *registry.NotFoundError
		auth     *registry.AuthError
		unknown  *resolve.UnknownPluginError
	)
	switch {
	case errors.As(err, &usage), errors.As(err, &missing), errors.As(err, &noEntry), isFileError(err), errors.As(err, &newer),
		errors.As(err, &conflict), errors.As(err, &lockSize), errors.As(err, &name), errors.As(err, &ref), errors.As(err, &unknown), errors.As(err, new(*manifest.EditError)), isPublishUsage(err):
		return exitUsage
	case errors.As(err, &drifted), errors.As(err, &stale), errors.As(err, new(*shadowedError)):
		return exitOutOfDate
	case isIntegrity(err):
		return exitIntegrity
	case errors.As(err, &auth):
		return exitDenied
	case errors.As(err, &platform), errors.As(err, &noRepo), errors.As(err, &noVer), errors.As(err, &noPlat),
		errors.As(err, &unsolved), errors.As(err, &notFound):
		return exitUnsatisfied
	case isUnreachable(err):
		return exitUnreachable
	}
	return exitFailure
}

func isIntegrity(err error) bool {
	return errors.As(err, new(*registry.IntegrityError)) || errors.As(err, new(*install.IntegrityError)) ||
		errors.As(err, new(*artifact.SumError)) || errors.As(err, new(*artifact.FormatError)) ||
		errors.As(err, new(*resolve.MovedError)) || errors.As(err, new(*registry.BundleError)) ||
		errors.As(err, new(*plugins.ChainError)) || errors.As(err, new(*transfer.GraphError)) || isUntrusted(err)
}

func isUnreachable(err error) bool {
	var status *registry.StatusError
	var root *trust.RootError
	return errors.As(err, new(*registry.UnreachableError)) || errors.As(err, new(*registry.TLSError)) ||
		errors.As(err, new(*registry.SchemeError)) || errors.As(err, new(*registry.ProtocolError)) ||
		errors.As(err, new(*registry.LimitError)) || errors.As(err, &status) || errors.As(err, &root) && root.File == "" && !root.Offline || isTimeout(err)
}

// isFileError tells whether a manifest, lock or config does not parse.
func isFileError(err error) bool {
	var root *trust.RootError // of a rule: the public good instance's is no file
	return errors.As(err, new(*diag.Error)) || errors.As(err, &root) && root.File != ""
}
