package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

type typed struct {
	kind  fault.Kind
	cause error
}

func (e *typed) Error() string    { return e.kind.String() }
func (e *typed) Unwrap() error    { return e.cause }
func (e *typed) Kind() fault.Kind { return e.kind }

func TestOf(t *testing.T) {
	integrity, denied := &typed{kind: fault.Integrity}, &typed{kind: fault.Denied}
	for name, c := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"none":                    {nil, fault.Failure},
		"no kind":                 {errors.New("disk full"), fault.Failure},
		"wrapped":                 {fmt.Errorf("postgres: %w", integrity), fault.Integrity},
		"the outermost decides":   {&typed{fault.Usage, integrity}, fault.Usage},
		"of several the gravest":  {errors.Join(errors.New("x"), denied, fmt.Errorf("mysql: %w", integrity)), fault.Integrity},
		"a list inside a wrapper": {fmt.Errorf("all: %w", errors.Join(&typed{kind: fault.Stale}, denied)), fault.Denied},
		"a deadline":              {fmt.Errorf("get: %w", context.DeadlineExceeded), fault.Unreachable},
		"a typed deadline":        {&typed{fault.Usage, context.DeadlineExceeded}, fault.Usage},
	} {
		if got := fault.Of(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
