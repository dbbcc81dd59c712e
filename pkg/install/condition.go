package install

import (
	"errors"
	"io/fs"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// Condition is how a home stands on its disk.
type Condition struct {
	Exists   bool
	Writable error // why files cannot be made there, nil where they can
	Free     int64 // bytes, -1 where the system does not tell
}

// Condition tries whether files can be made in the home, with one that is
// removed at once. A home that does not exist yet is neither made nor tried.
func (e *Engine) Condition() Condition {
	c := Condition{Exists: true, Free: -1}
	if free, _, ok := disk.Free(e.home.dir); ok {
		c.Free = free
	}
	if c.Writable = e.home.check(); c.Writable != nil {
		c.Exists = false
		return c
	}
	_, _ = e.disk.Sweep(e.home.dir) // what was killed while it tried
	t, err := e.disk.CreateTemp(e.home.dir, "try")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Exists, c.Writable = false, e.disk.Writable(e.home.dir)
	case err != nil:
		c.Writable = err
	default:
		t.Discard()
	}
	return c
}
