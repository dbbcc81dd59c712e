package install

import (
	"os"
	"path/filepath"
	"testing"
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
