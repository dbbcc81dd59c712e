//go:build unix

package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func lock(f *os.File) error { return flock(f, unix.LOCK_EX) }

func tryLock(f *os.File) (bool, error) {
	err := flock(f, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// guard locks a temporary file for as long as its writer lives.
func guard(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil // swept in this very moment; the caller looks
		}
		return nil, err
	}
	// Where the file system has no locks, no sweeper can take one either.
	_ = flock(f, unix.LOCK_SH)
	return f, nil
}

// abandoned tells whether the writer of a temporary file runs no more. The
// process id is not asked: it may be another's by now, or of another container.
// Until release is called, a writer that has just made the file waits: it then
// sees that it was removed, and makes another.
func abandoned(path string, _ int) (release func(), ok bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, false
	}
	if ok, err := tryLock(f); err != nil || !ok {
		f.Close()
		return nil, false
	}
	return func() { f.Close() }, true
}

// running tells whether a process exists.
func running(pid int) bool {
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

func writable(dir string) error {
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return &os.PathError{Op: "create in", Path: dir, Err: err}
	}
	return nil
}

// replace renames, which on Unix replaces even a running executable.
func replace(from, to string) error { return os.Rename(from, to) }

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	// Some file systems cannot sync a folder, and lose nothing by it.
	if err := f.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}
