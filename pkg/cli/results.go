package cli

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

// results is standard output. It keeps the first error of writing to it: a
// result that did not arrive is a failure, whoever printed it.
type results struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (r *results) Write(data []byte) (int, error) {
	n, err := r.Writer.Write(data)
	if r.err == nil {
		r.err = err
	}
	return n, err
}

// failed returns why results are missing. A reader that has read enough, as
// head does, is no failure.
func (r *results) failed() error {
	if r.err == nil || errors.Is(r.err, syscall.EPIPE) {
		return nil
	}
	return fmt.Errorf("standard output: %w", r.err)
}
