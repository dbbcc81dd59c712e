//go:build unix

package disk

import (
	"context"
	"errors"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func lock(f *os.File) error { return flock(f, syscall.LOCK_EX) }

func tryLock(f *os.File) (bool, error) {
	err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// noLocks reports whether a lock failed because the file system has none: NFS
// without its lock daemon, FUSE without locks. EBADF is NFS's answer for a file
// that may only be read, EPERM a sandbox's.
func noLocks(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK) ||
		errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.EPERM)
}

// hold locks a temporary file for as long as its writer lives.
func hold(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil // swept in this very moment; the caller looks
		}
		return nil, err
	}
	// Without locks no sweeper can take one either.
	_ = flock(f, syscall.LOCK_SH)
	return f, nil
}

// ownerGone reports whether the writer of a temporary file runs no more. The
// process id is not asked: it may be another's by now, or of another container.
// Until release is called, a writer that has just made the file waits: it then
// sees that it was removed, and makes another.
func ownerGone(path string, pid int) (release func(), ok bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, false
	}
	ok, err = tryLock(f)
	if err != nil && noLocks(err) {
		ok, err = !system.Runs(pid) && isOld(f), nil
	}
	if err != nil || !ok {
		f.Close()
		return nil, false
	}
	return func() { f.Close() }, true
}

// isOld reports whether nobody has written to a file for a day: without locks a
// writer in another container shows by nothing else.
func isOld(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && time.Since(info.ModTime()) > 24*time.Hour
}

// openFolder opens a folder to lock it.
func openFolder(dir string) (*os.File, error) { return os.Open(dir) }

// keepFolder shows others, until release is called, that a folder is in use.
func (d Disk) keepFolder(dir string) (release func(), err error) {
	own, err := d.LockFolder(context.Background(), dir, nil)
	if err != nil {
		return nil, err
	}
	return func() { _ = own.Unlock() }, nil
}

// folderFree reports whether no process keeps a folder.
func folderFree(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	ok, err := tryLock(f)
	return ok && err == nil
}

func writable(dir string) error {
	const write, search = 2, 1
	if err := syscall.Access(dir, write|search); err != nil {
		return &os.PathError{Op: "create in", Path: dir, Err: err}
	}
	return nil
}

// removeLock removes the file before it lets go of the lock: whoever waits for it
// must see that it is gone.
func removeLock(f *os.File) {
	os.Remove(f.Name())
	f.Close()
}

// replace renames, which on Unix replaces even a running executable.
func replace(from, to string) error { return os.Rename(from, to) }

// syncFile makes a file's bytes survive a loss of power. A file system that
// cannot do it, or a sandbox that does not let it, is no reason to fail.
func syncFile(f *os.File) error {
	err := f.Sync()
	for _, cannot := range []error{errors.ErrUnsupported, os.ErrPermission, syscall.EINVAL, syscall.EBADF} {
		if errors.Is(err, cannot) {
			return nil
		}
	}
	return err
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if errors.Is(err, os.ErrPermission) {
		return nil // files can be made in it all the same
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFile(f)
}

// own reports whether a file is this user's.
func own(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// keepOwner gives a file the owner and the group of the one that it is to replace: what
// root writes under sudo stays its user's. Who may not do that leaves it.
func keepOwner(f *os.File, old os.FileInfo) {
	stat, ok := old.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() && int(stat.Gid) == os.Getegid() {
		return
	}
	if f.Chown(int(stat.Uid), int(stat.Gid)) != nil {
		_ = f.Chown(-1, int(stat.Gid))
	}
}

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
