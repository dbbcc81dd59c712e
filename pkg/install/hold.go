package install

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

const homeLock = "home.lock"

// Hold is the home's lock, held. What changes installed files hangs on it, so
// that it cannot be done without. Whoever reads needs no lock.
type Hold struct {
	e    *Engine
	lock *disk.Lock
}

// Lock takes the home's lock. Where another process holds it, an event says
// so, and Lock waits until ctx is done. The lock ends with its process, so one
// that was killed blocks nobody.
func (e *Engine) Lock(ctx context.Context) (*Hold, error) {
	if err := errors.Join(ctx.Err(), e.home.check()); err != nil {
		return nil, err
	}
	if err := e.disk.MkdirAll(e.home.Locks()); err != nil {
		return nil, err
	}
	l, err := e.disk.Lock(ctx, filepath.Join(e.home.Locks(), homeLock), func(pid int) {
		e.emit(Event{Kind: EventWait, Subject: e.home.Dir(), PID: pid})
	})
	if err != nil {
		return nil, err
	}
	return &Hold{e, l}, nil
}

// Unlock gives the lock up. It may be called more than once.
func (h *Hold) Unlock() error { return h.lock.Unlock() }
