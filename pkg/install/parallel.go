package install

import (
	"errors"
	"runtime"
	"sync"
)

// parallel returns how many layers or files are worked on at once. Inflating
// keeps a processor busy, and a few more hide the network's latency; each has
// its buffers, so the number bounds memory too.
func (e *Engine) parallel() int {
	if e.o.Parallel > 0 {
		return e.o.Parallel
	}
	return min(max(runtime.GOMAXPROCS(0), 2), 4)
}

// each calls f for 0 to n-1, some at once, and joins the errors in that order.
// After an error no other call begins, unless all is set.
func (e *Engine) each(n int, all bool, f func(i int) error) error {
	if n == 1 {
		return f(0)
	}
	errs := make([]error, n)
	var (
		mu     sync.Mutex
		next   int
		failed bool
		wg     sync.WaitGroup
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= n && (all || !failed)
	}
	for range min(n, e.parallel()) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if errs[i] = f(i); errs[i] != nil {
					mu.Lock()
					failed = true
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
