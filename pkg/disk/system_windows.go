package disk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/windows"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// A locked range cannot be read by others, so it lies where no byte is: the
// process id at the start of a lock's file stays readable.
func region() *windows.Overlapped { return &windows.Overlapped{OffsetHigh: 0x7fffffff} }

func lock(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, region())
}

func tryLock(f *os.File) (bool, error) {
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, region())
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

// noLocks reports whether a lock failed because the file system has none.
func noLocks(err error) bool { return errors.Is(err, errors.ErrUnsupported) }

// hold has nothing to do: an open file cannot be renamed here, so the process
// id reports whether the writer lives.
func hold(string) (*os.File, error) { return nil, nil }

func ownerGone(_ string, pid int) (release func(), ok bool) { return func() {}, !system.Runs(pid) }

// openFolder opens nothing: Windows locks no folder, and lets nobody remove a
// file that another process has open.
func openFolder(string) (*os.File, error) { return nil, nil }

// keepFolder shows others, until release is called, that a folder is in use: nobody
// can open it to remove it while it is open here.
func (d Disk) keepFolder(dir string) (release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	return func() { f.Close() }, nil
}

// folderFree reports whether no process keeps a folder. One that has just been made
// may not be kept yet, for want of a lock on the folder above.
func folderFree(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || time.Since(info.ModTime()) < time.Minute {
		return false
	}
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return false
	}
	const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(path, windows.DELETE, share, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return false
	}
	return windows.CloseHandle(h) == nil
}

// removeLock lets go of the file before it removes it, for an open one stays. If
// another opened it meanwhile, it stays for that one, or for a sweep, to remove.
func removeLock(f *os.File) {
	f.Close()
	os.Remove(f.Name())
}

// replace moves only an executable aside: whoever has another file open closes it
// soon, and meanwhile nobody is to find none there.
func replace(from, to string) error {
	if strings.EqualFold(filepath.Ext(to), ".exe") {
		return replaceBusy(from, to, os.Rename)
	}
	return os.Rename(from, to)
}

// writable leaves the answer to the attempt.
func writable(string) error { return nil }

func syncFile(f *os.File) error { return f.Sync() }

// syncDir has nothing to do: NTFS keeps names in its journal.
func syncDir(string) error { return nil }

// keepOwner has nothing to do: a new file has its folder's rights.
func keepOwner(*os.File, os.FileInfo) {}

// own does not know here.
func own(os.FileInfo) bool { return false }

// Owner does not know here.
func Owner(string) (name string, own, ok bool) { return "", false, false }
