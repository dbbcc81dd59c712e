package lockfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestSweep(t *testing.T) {
	// A process that has ended: its number is nobody's for a while.
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	left := fmt.Sprintf(".x.lock.tmp-%d-0", ended.Process.Pid)
	keep := []string{"x.lock", fmt.Sprintf(".x.lock.tmp-%d-0", os.Getpid()), ".x.lock.tmp-none", fmt.Sprintf(".y.lock.tmp-%d-0", ended.Process.Pid)}
	for _, name := range append(keep, left) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	Sweep(filepath.Join(dir, "x.lock"))
	if _, err := os.Stat(filepath.Join(dir, left)); !os.IsNotExist(err) {
		t.Errorf("%s is still there", left)
	}
	for _, name := range keep {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	Sweep(filepath.Join(dir, "none", "x.lock")) // no folder is no failure
}
