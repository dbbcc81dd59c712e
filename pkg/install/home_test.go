package install

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

func TestCondition(t *testing.T) {
	dir := t.TempDir()
	if c := Open(NewHome(filepath.Join(dir, "none")), Options{}).Condition(); c.Exists || c.Writable != nil {
		t.Errorf("a home that is not there: %+v", c)
	}
	if c := Open(NewHome(dir), Options{}).Condition(); !c.Exists || c.Writable != nil || c.Free == 0 {
		t.Errorf("a good home: %+v", c)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if c := Open(NewHome(file), Options{}).Condition(); c.Writable == nil {
		t.Errorf("a file for a home: %+v", c)
	}
}

// A file system without locks is told of once, and everything goes on.
func TestNoLocks(t *testing.T) {
	w := newWorld(t)
	a, b := w.publish("a", "1.0.0"), w.publish("b", "1.0.0")
	e := w.installer()
	e.disk.Fault = func(op disk.Op, _ string) error {
		if op == disk.Flock {
			return errors.ErrUnsupported
		}
		return nil
	}
	if _, err := runSync(t.Context(), e, []Item{a, b}, PlaceOptions{Claim: "/x.lock"}); err != nil {
		t.Fatal(err)
	}
	w.holds(a, "1.0.0")
	told := w.events(EventNoLocks)
	if len(told) != 1 || told[0].Path != w.home().locks() {
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
