//go:build linux || darwin

package disk

import "syscall"

// free takes what is available: what is free besides is root's alone.
func free(dir string) (bytes int64, dev uint64, ok bool) {
	var fs syscall.Statfs_t
	var at syscall.Stat_t
	if syscall.Statfs(dir, &fs) != nil || fs.Blocks == 0 || syscall.Stat(dir, &at) != nil {
		return 0, 0, false // some file systems do not count
	}
	return int64(fs.Bavail) * int64(fs.Bsize), uint64(at.Dev), true
}
