package system

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// NotDir is what the system says of a file in the place of a folder: ERROR_DIRECTORY,
// as Go's ENOTDIR says that nothing is there.
const NotDir = windows.ERROR_DIRECTORY

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

// Controls reports whether a terminal takes control sequences: colours, and moves of
// the cursor. A console of Windows shows them as text unless it is told otherwise,
// which this does; those before Windows 10 cannot be
// (https://learn.microsoft.com/en-us/windows/console/setconsolemode).
func Controls(f *os.File) bool {
	console, mode := windows.Handle(f.Fd()), uint32(0)
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_PROCESSED_OUTPUT|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// Administered reports whether a file where the machine's administrator keeps his is
// his, or this user's own: every user may make folders in C:\ProgramData.
func Administered(file string) (bool, error) {
	security, err := windows.GetNamedSecurityInfo(file, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return false, err
	}
	owner, _, err := security.Owner()
	if err != nil {
		return false, err
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return false, err
	}
	return owner.Equals(user.User.Sid) || administrates(owner.String()), nil
}
