package project

import (
	"errors"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// DownloadError is a failed Download: of a driver by its name, without a project.
type DownloadError struct {
	Name string
	Err  error
}

func (e *DownloadError) Error() string { return e.Err.Error() }

// Kind is that of Err.
func (e *DownloadError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *DownloadError) Unwrap() error    { return e.Err }

// NotEditedError says why an edit of the manifest was not made: manifest, lock
// and drivers are as they were.
type NotEditedError struct{ Err error }

func (e *NotEditedError) Error() string { return e.Err.Error() }

// Kind is that of Err.
func (e *NotEditedError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *NotEditedError) Unwrap() error    { return e.Err }

// wrapEach wraps an error, or each of those that it joins.
func wrapEach(err error, wrap func(error) error) error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return wrap(err)
	}
	var each []error
	for _, err := range joined.Unwrap() {
		each = append(each, wrapEach(err, wrap))
	}
	return errors.Join(each...)
}

func notEdited(err error) error {
	return wrapEach(err, func(err error) error { return &NotEditedError{err} })
}
