package transfer

import (
	"context"
	"errors"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

const (
	parallelReads = 8
	parallelBlobs = 4
)

// each runs f for 0 to n-1, in the places there are, and returns all errors in
// order.
func each(ctx context.Context, l parallel.Limit, n int, f func(ctx context.Context, i int) error) error {
	return all(n, func(i int) error { return l.Do(ctx, func() error { return f(ctx, i) }) })
}

// all runs f for 0 to n-1 at once; f waits for places itself.
func all(n int, f func(i int) error) error {
	return errors.Join(parallel.Each(context.Background(), n, 0, f)...)
}
