//go:build unix

package disk

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// Owner returns the name of the user to whom a file belongs, or his number if he
// has no name, and whether this process is his. ok is false if that is not known.
func Owner(path string) (name string, own, ok bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", false, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false, false
	}
	name = strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return name, int(stat.Uid) == os.Geteuid(), true
}
