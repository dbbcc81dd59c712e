package system

import (
	"errors"

	"golang.org/x/sys/windows"
)

// Runs reports whether a process of this number runs, or may: another user's is not
// known to have ended. One that has ended can be opened for as long as anybody, such
// as whoever started it, holds a handle to it.
func Runs(pid int) bool {
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return !errors.Is(err, windows.ERROR_INVALID_PARAMETER)
	}
	defer windows.CloseHandle(h)
	event, err := windows.WaitForSingleObject(h, 0)
	return err != nil || event != windows.WAIT_OBJECT_0
}
