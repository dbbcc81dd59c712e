//go:build linux || darwin

package disk

import "golang.org/x/sys/unix"

// free returns the bytes that are free on dir's file system.
func free(dir string) (int64, bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil || s.Blocks == 0 {
		return 0, false // some file systems do not count
	}
	return int64(s.Bfree) * int64(s.Bsize), true
}

// device returns the number of the file system that holds path.
func device(path string) (uint64, bool) {
	var s unix.Stat_t
	if unix.Stat(path, &s) != nil {
		return 0, false
	}
	return uint64(s.Dev), true
}
