package install

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// A file system without locks is told of once, and everything goes on.
func TestNoLocks(t *testing.T) {
	w := newWorld(t)
	a, b := w.publish("a", "1.0.0"), w.publish("b", "1.0.0")
	e := w.engine()
	e.disk.Fault = func(op disk.Op, _ string) error {
		if op == disk.Flock {
			return syscall.ENOLCK
		}
		return nil
	}
	if _, err := runSync(t.Context(), e, []Item{a, b}, PlaceOptions{Claim: "/x.lock"}); err != nil {
		t.Fatal(err)
	}
	w.holds(a, "1.0.0")
	told := w.events(EventNoLocks)
	if len(told) != 1 || told[0].Path != w.home().Locks() {
		t.Errorf("told %+v", told)
	}
}

// Without a home nothing is made in the working directory.
func TestNoHome(t *testing.T) {
	t.Chdir(t.TempDir())
	w := newWorld(t)
	a := w.publish("a", "1.0.0")
	e := Open(NewHome(""), Options{Fetch: w.reg, Host: linux})
	_, inspect := e.Inspect(t.Context(), []Item{a})
	_, lock := e.Lock(t.Context())
	_, receipts := e.Receipts()
	_, unused := e.Unused()
	e.Sweep()
	for what, err := range map[string]error{"Inspect": inspect, "Lock": lock, "Receipts": receipts, "Unused": unused, "Stage": e.Stage(t.Context(), []Status{{Item: a, State: Missing}}, StageOptions{})} {
		if !errors.As(err, new(*NoHomeError)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
