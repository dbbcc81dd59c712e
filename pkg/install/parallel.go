package install

import (
	"context"
	"errors"
	"runtime"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// parallelWork is how many layers or files are worked on at a time. Inflating
// keeps a processor busy, and a few more hide the network's latency; each has
// its buffers, so the number bounds memory too.
func parallelWork() int { return min(max(runtime.GOMAXPROCS(0), 2), 4) }

// each calls f for 0 to n-1, some at once, and joins the errors in that order.
// After an error no other call begins, unless all is set. f looks at the context
// itself: what was begun to be put back must not stop halfway.
func (e *Engine) each(n int, all bool, f func(i int) error) error {
	run := parallel.EachUntil
	if all {
		run = parallel.Each
	}
	return errors.Join(run(context.Background(), n, e.limit, f)...)
}
