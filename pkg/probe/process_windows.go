package probe

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const (
	badExeFormat     = syscall.Errno(193) // ERROR_BAD_EXE_FORMAT
	machineMismatch  = syscall.Errno(216) // ERROR_EXE_MACHINE_TYPE_MISMATCH
	sharingViolation = syscall.Errno(32)  // ERROR_SHARING_VIOLATION
)

// executable is always true: Windows has no mode bit for it.
func executable(fs.FileInfo) bool { return true }

func isBusy(err error) bool { return errors.Is(err, sharingViolation) }

func isForeign(err error) bool {
	return errors.Is(err, badExeFormat) || errors.Is(err, machineMismatch)
}

// attributes keeps a Ctrl-C in this console from the driver: stop ends it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killGroup ends the process. Windows has no groups to kill.
func killGroup(p *os.Process) { _ = p.Kill() }
