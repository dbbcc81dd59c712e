package parallel_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

var (
	errOne = errors.New("one")
	errTwo = errors.New("two")
)

func TestEach(t *testing.T) {
	for _, limit := range []int{0, 1, 2, 99} {
		var calls, now, most atomic.Int32
		errs := parallel.Errors(t.Context(), 20, limit, func(i int) error {
			calls.Add(1)
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			switch i {
			case 3:
				return errOne
			case 17:
				return errTwo
			}
			return nil
		})
		if calls.Load() != 20 || len(errs) != 20 || errs[3] != errOne || errs[17] != errTwo || errs[0] != nil {
			t.Errorf("limit %d: %d calls, %v", limit, calls.Load(), errs)
		}
		if limit > 0 && int(most.Load()) > limit {
			t.Errorf("limit %d: %d at a time", limit, most.Load())
		}
	}
	if errs := parallel.Errors(t.Context(), 0, 0, nil); len(errs) != 0 {
		t.Errorf("of nothing: %v", errs)
	}
}

func TestEachOfCancelledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	errs := parallel.Errors(ctx, 3, 1, func(i int) error {
		if i == 1 {
			cancel()
			return errOne
		}
		return nil
	})
	if !slices.Equal(errs, []error{nil, errOne, context.Canceled}) {
		t.Errorf("got %v", errs)
	}
}

func TestEachUntil(t *testing.T) {
	var last int
	errs := parallel.ErrorsUntil(t.Context(), 9, 1, func(i int) error {
		last = i
		if i == 4 {
			return errOne
		}
		return nil
	})
	if last != 4 || parallel.First(errs) != errOne || parallel.Join(errs) != errOne {
		t.Errorf("went on to %d: %v", last, errs)
	}
}

func TestJoin(t *testing.T) {
	if err := parallel.Join([]error{nil, nil}); err != nil || parallel.First(nil) != nil {
		t.Errorf("of none: %v", err)
	}
	err := parallel.Join([]error{nil, errTwo, errOne})
	if !errors.Is(err, errOne) || !errors.Is(err, errTwo) || err.Error() != "two\none" {
		t.Errorf("got %v", err)
	}
}

func TestLimit(t *testing.T) {
	l := parallel.NewLimit(1)
	ctx, cancel := context.WithCancel(t.Context())
	err := l.Do(ctx, func() error {
		cancel()
		return l.Do(ctx, func() error { return errTwo })
	})
	if err != context.Canceled {
		t.Errorf("got %v", err)
	}
	if err := l.Do(t.Context(), func() error { return errOne }); err != errOne {
		t.Errorf("got %v", err)
	}
}
