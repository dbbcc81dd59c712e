package disk

import (
	"os"
	"path/filepath"
)

// Free returns the bytes that this user can still write to the file system that
// holds dir, or will once dir is made, and that file system's number; false if
// this cannot be told.
func Free(dir string) (bytes int64, dev uint64, ok bool) {
	for {
		if _, err := os.Stat(dir); err == nil {
			return free(dir)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return 0, 0, false
		}
		dir = up
	}
}
