//go:build unix

package system

import (
	"errors"
	"syscall"
)

// Runs reports whether a process of this number runs, or may: another user's is not
// known to have ended.
func Runs(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
