package lockfile

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Sweep removes what processes that no longer run left beside a file while
// they replaced it: .NAME.tmp-PID-N, as Save names it. It does what it can and
// reports nothing: the next one tries again.
func Sweep(file string) {
	dir, base := filepath.Split(file)
	if dir == "" {
		dir = "."
	}
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return
	}
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, "."+base+".tmp-")
		if !ok {
			continue
		}
		text, _, _ := strings.Cut(rest, "-")
		if pid, err := strconv.Atoi(text); err == nil && pid > 0 && !running(pid) {
			os.Remove(filepath.Join(dir, name))
		}
	}
}

// running tells whether a process exists. Where that cannot be told, it does.
func running(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false // Windows: there is none
	}
	err = p.Signal(syscall.Signal(0))
	_ = p.Release() // what it holds is also freed without
	return !errors.Is(err, os.ErrProcessDone)
}
