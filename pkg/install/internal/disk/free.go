package disk

import (
	"os"
	"path/filepath"
)

// Free returns the bytes free on the file system that holds dir, or will once
// dir is made, and that file system's number; false where this cannot be told.
func Free(dir string) (bytes int64, dev uint64, ok bool) {
	for {
		if _, err := os.Stat(dir); err == nil {
			n, ok := free(dir)
			if !ok {
				return 0, 0, false
			}
			d, ok := device(dir)
			return n, d, ok
		}
		up := filepath.Dir(dir)
		if up == dir {
			return 0, 0, false
		}
		dir = up
	}
}
