// Package parallel calls a function for each of several things, some at a time.
package parallel

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// Each calls f for 0 to n-1, at most limit at a time (0: all), and joins their errors
// as Join does. Once ctx is done no call begins; those that did not have ctx's error.
func Each(ctx context.Context, n, limit int, f func(i int) error) error {
	return Join(Errors(ctx, n, limit, f))
}

// EachUntil is Each that begins no more calls once one has failed, and returns the
// first error. What is under way goes on.
func EachUntil(ctx context.Context, n, limit int, f func(i int) error) error {
	return First(ErrorsUntil(ctx, n, limit, f))
}

// Errors is Each that returns the errors by index.
func Errors(ctx context.Context, n, limit int, f func(i int) error) []error {
	errs := make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	if limit <= 0 || limit > n {
		limit = n
	}
	work := func() {
		for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
			if errs[i] = ctx.Err(); errs[i] == nil {
				errs[i] = f(int(i))
			}
		}
	}
	for range limit - 1 {
		wg.Go(work)
	}
	work() // what there is one of needs nobody else
	wg.Wait()
	return errs
}

// ErrorsUntil is EachUntil that returns the errors by index; those of calls that never
// began are nil.
func ErrorsUntil(ctx context.Context, n, limit int, f func(i int) error) []error {
	failed := make(chan struct{})
	var once sync.Once
	return Errors(ctx, n, limit, func(i int) error {
		select {
		case <-failed:
			return nil
		default:
		}
		err := f(i)
		if err != nil {
			once.Do(func() { close(failed) })
		}
		return err
	})
}

// First returns the first error, nil if there is none.
func First(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Join is errors.Join, but returns a single error as it is.
func Join(errs []error) error {
	var first error
	for _, err := range errs {
		switch {
		case err == nil:
		case first != nil:
			return errors.Join(errs...)
		default:
			first = err
		}
	}
	return first
}

// Limit is how many functions run at a time, wherever they are called.
type Limit chan struct{}

// NewLimit returns a limit of n.
func NewLimit(n int) Limit { return make(Limit, n) }

// Do runs f once there is room. It returns f's error, or ctx's if ctx is done
// before that.
func (l Limit) Do(ctx context.Context, f func() error) error {
	select {
	case l <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l }()
	return f()
}
