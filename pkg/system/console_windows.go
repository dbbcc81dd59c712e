package system

import (
	"os"

	"golang.org/x/sys/windows"
)

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
