package disk

import (
	"io/fs"
	"os"
	"syscall"
)

// The package makes its calls through syscall, not golang.org/x/sys: the public
// lockfile package writes its files here, and promises few dependencies.
const (
	ficlone            = 0x40049409 // linux/fs.h
	syncFileRangeWrite = 2          // sync_file_range(2)
)

// clone shares src's blocks with dst, if the file system can. Without that,
// os.File.ReadFrom copies within the kernel.
func clone(dst, src *os.File) (int64, bool) {
	info, err := src.Stat()
	if err != nil {
		return 0, false
	}
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dst.Fd(), ficlone, src.Fd())
	return info.Size(), errno == 0
}

func flush(f *os.File, off, n int64) {
	// Only a hint: what goes wrong here is seen by the sync at the end.
	_ = syscall.SyncFileRange(int(f.Fd()), off, n, syncFileRangeWrite)
}

// change returns the time of the last change of the inode, its number, and how many
// names it has.
func change(info fs.FileInfo) (ctime int64, inode, links uint64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ctim.Nano(), s.Ino, uint64(s.Nlink)
	}
	return 0, 0, 0
}
