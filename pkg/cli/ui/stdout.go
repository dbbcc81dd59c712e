package ui

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// stdout is standard output. It keeps the first error of writing to it: a
// result that did not arrive is a failure, whoever printed it.
type stdout struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (s *stdout) Write(data []byte) (int, error) {
	n, err := s.Writer.Write(data)
	if s.err == nil {
		s.err = err
	}
	return n, err
}

// Broken reports whether an error is one of writing results.
func (u *UI) Broken(err error) bool { return err != nil && errors.Is(err, u.stdout.err) }

// Failed returns why results are missing. A reader that has read enough, as
// head does, is not a failure.
func (u *UI) Failed() error {
	if u.stdout.err == nil || system.Is(u.stdout.err, syscall.EPIPE) {
		return nil
	}
	return fmt.Errorf("standard output: %w", u.stdout.err)
}
