//go:build unix

package probe

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// badArch is Darwin's EBADARCH, "bad CPU type in executable", which package
// syscall does not name.
const badArch = syscall.Errno(86)

func executable(info fs.FileInfo) bool { return info.Mode()&0o111 != 0 }

func isBusy(err error) bool { return errors.Is(err, syscall.ETXTBSY) }

// isForeign reports whether the kernel does not know how to run a file.
func isForeign(err error) bool {
	return errors.Is(err, syscall.ENOEXEC) || runtime.GOOS == "darwin" && errors.Is(err, badArch)
}

// killGroup ends the process and all that it started and that did not leave
// its group. One that has ended is not an error.
func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
	_ = p.Kill()
}
