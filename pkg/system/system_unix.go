//go:build unix

package system

import (
	"errors"
	"os"
	"syscall"
)

// NotDir is what the system says of a file in the place of a folder.
const NotDir = syscall.ENOTDIR

// Runs reports whether a process of this number runs, or may: another user's is not
// known to have ended.
func Runs(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// Controls reports whether a terminal takes control sequences: colours, and moves of
// the cursor.
func Controls(*os.File) bool { return true }

// Administered reports whether a file where the machine's administrator keeps his is
// his, or this user's own: only root writes below /etc.
func Administered(string) (bool, error) { return true, nil }
