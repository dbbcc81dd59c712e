package install

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/opencontainers/go-digest"
)

// StageOptions change what Stage does.
type StageOptions struct {
	Refetch   bool // fetch every layer of work, and replace what the store has
	KeepGoing bool // try every layer, though one failed
}

// Stage brings the layers that work needs into the store, in parallel. Each is
// fetched by one process only; the others wait for it. What was staged stays,
// though another layer fails.
//
// Errors, joined, each in an *ItemError: *IntegrityError, the Fetcher's,
// *UnstagedError without one, *fs.PathError. A layer that several items share fails with the first.
func (e *Engine) Stage(ctx context.Context, work []Status, o StageOptions) error {
	var needed []Status
	seen := map[digest.Digest]bool{}
	for _, s := range work {
		if (o.Refetch || s.needsLayer()) && !seen[s.Layer.Digest] {
			seen[s.Layer.Digest] = true
			needed = append(needed, s)
		}
	}
	if len(needed) == 0 {
		return nil
	}
	if err := e.home.check(); err != nil {
		return err
	}
	e.sweep(e.home.Store())
	for _, s := range needed {
		if _, stored := e.store.lookup(s.Layer.Digest); !stored || o.Refetch {
			e.emit(Event{Kind: EventNeed, Layer: s.Layer, Total: s.Layer.Size})
		}
	}
	return e.each(len(needed), o.KeepGoing, func(i int) error {
		s := needed[i]
		if err := e.stage(ctx, s, o.Refetch); err != nil {
			return &ItemError{s.Item, err}
		}
		e.emit(Event{Kind: EventStaged, Layer: s.Layer, Total: s.Layer.Size})
		return nil
	})
}

func (e *Engine) stage(ctx context.Context, s Status, refetch bool) error {
	if err := errors.Join(ctx.Err(), checkLayer(s.Layer)); err != nil {
		return err
	}
	if !refetch {
		if done, err := e.staged(ctx, s); done || err != nil {
			return err
		}
	}
	if err := e.disk.MkdirAll(e.home.Locks()); err != nil {
		return err
	}
	lock, err := e.disk.Lock(ctx, e.layerLock(s.Layer.Digest), func(pid int) {
		e.emit(Event{Kind: EventWait, Subject: s.Layer.Plugin, PID: pid, Layer: s.Layer})
	})
	if err != nil {
		return err
	}
	defer lock.UnlockAndRemove()
	if !refetch {
		// Whoever held the lock may have fetched it.
		if done, err := e.staged(ctx, s); done || err != nil {
			return err
		}
	}
	_, err = e.fetch(ctx, s.Layer)
	return err
}

// staged reports whether the store has what s needs.
func (e *Engine) staged(ctx context.Context, s Status) (bool, error) {
	entry, ok := e.store.lookup(s.Layer.Digest)
	if !ok {
		return false, nil
	}
	if want := s.Layer.Executable; want != "" && want != entry.Executable {
		return false, &IntegrityError{Layer: s.Layer, Cause: badExecutable, Want: want, Got: entry.Executable}
	}
	// A file that came from this entry and is wrong may have been wrong from
	// the start.
	suspect := s.State == Changed && (s.record == damaged || s.Receipt != nil && s.Receipt.Layer == s.Layer.Digest)
	return e.store.sound(ctx, entry, suspect), ctx.Err()
}

func (e *Engine) layerLock(layer digest.Digest) string {
	return filepath.Join(e.home.Locks(), layer.Algorithm().String()+"-"+layer.Encoded()+".lock")
}
