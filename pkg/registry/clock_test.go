package registry

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// clock is a clock that only Sleep moves.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

// events collects what a client tells.
type events struct {
	mu  sync.Mutex
	all []Event
}

func (e *events) add(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

func (e *events) of(kind wire.EventKind) (out []Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.all {
		if ev.Kind == kind {
			out = append(out, ev)
		}
	}
	return out
}

// newClient returns a client whose waits take no time.
func newClient(t testing.TB, o Options) (*Client, *clock) {
	t.Helper()
	k := newClock()
	if o.tests.Now == nil {
		o.tests.Now = k.now
	}
	if o.tests.Sleep == nil {
		o.tests.Sleep = k.sleep
	}
	if o.tests.Jitter == nil {
		o.tests.Jitter = func() float64 { return 0.5 }
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, k
}

func repository(t testing.TB, c *Client, name string) Target {
	t.Helper()
	r, err := c.Target(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func readBlob(r Repository, desc ocispec.Descriptor) ([]byte, error) {
	rc, err := r.Blob(context.Background(), desc)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

func allTags(r Repository) (tags []string, err error) {
	err = r.Tags(context.Background(), func(page []string) error {
		tags = append(tags, page...)
		return nil
	})
	return tags, err
}

// wantError checks that err is an E.
func wantError[E error](t testing.TB, err error) (e E) {
	t.Helper()
	if !errors.As(err, &e) {
		t.Fatalf("error is %T %v, want %T", err, err, e)
	}
	return e
}
