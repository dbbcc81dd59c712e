//go:build unix

package system

import "os"

// Controls reports whether a terminal takes control sequences: colours, and moves of
// the cursor.
func Controls(*os.File) bool { return true }
