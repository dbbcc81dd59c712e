package transfer

import (
	"context"
	"errors"
	"sync"
)

// limiter is how many requests run at a time.
type limiter chan struct{}

const (
	parallelReads = 8
	parallelBlobs = 4
)

func newLimiter(n int) limiter { return make(limiter, n) }

// do runs f when a place is free.
func (l limiter) do(ctx context.Context, f func() error) error {
	select {
	case l <- struct{}{}:
		defer func() { <-l }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// each runs f for 0 to n-1, in the places there are, and returns all errors in
// order.
func (l limiter) each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	return all(n, func(i int) error { return l.do(ctx, func() error { return f(ctx, i) }) })
}

// all runs f for 0 to n-1 at once; f waits for places itself.
func all(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
