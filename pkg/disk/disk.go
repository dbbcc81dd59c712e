// Package disk is the one way to files: replacing one in a single step,
// temporary files that say whether their writer lives, locks between processes,
// syncing, and copying without moving bytes if the system can.
//
// Modes are the umask's to decide, so that a group can share what lies in a
// folder that belongs to it; only the owner's own rights are never taken away.
package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// Op is a kind of file-system change, for faults.
type Op string

// The changes that a fault can refuse.
const (
	Mkdir  Op = "mkdir"
	Create Op = "create"
	Flock  Op = "lock"
	Write  Op = "write"
	Copy   Op = "copy"
	Chmod  Op = "chmod"
	Sync   Op = "sync"
	Link   Op = "link"
	Rename Op = "rename"
	Remove Op = "remove"
)

// Disk changes files. The zero value is ready.
type Disk struct {
	// Fault is asked before each change and may refuse it. It exists for tests
	// of what happens on a full, failing or read-only disk.
	Fault func(op Op, path string) error
	// NoLocks is called each time that a file system turns out to have no locks,
	// so that work continues without them. It may be nil.
	NoLocks func(path string)
}

// check returns the fault for a change, as the system call would.
func (d Disk) check(op Op, path string) error {
	if d.Fault == nil {
		return nil
	}
	if err := d.Fault(op, path); err != nil {
		return &fs.PathError{Op: string(op), Path: path, Err: err}
	}
	return nil
}

// MkdirAll makes a folder and those above it. Errors: *LinkError for a link that
// leads nowhere, *fs.PathError.
func (d Disk) MkdirAll(dir string) error {
	if err := d.check(Mkdir, dir); err != nil {
		return err
	}
	return mkdirAll(dir)
}

func mkdirAll(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: system.NotDir}
		}
		return nil
	}
	if up := filepath.Dir(dir); up != dir {
		if err := mkdirAll(up); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		if info, e := os.Stat(dir); e == nil && info.IsDir() {
			return nil // another process was faster
		}
		return Explain(dir, err)
	}
	info, err := os.Lstat(dir)
	if err == nil && info.Mode()&0o700 != 0o700 {
		err = os.Chmod(dir, info.Mode()|0o700)
	}
	return err
}

// Remove removes a file. One that does not exist is removed already.
func (d Disk) Remove(path string) error {
	return again(func() error { return d.remove(path) })
}

// remove is Remove, once.
func (d Disk) remove(path string) error {
	if err := d.check(Remove, path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// RemoveAll removes a folder and what is in it.
func (d Disk) RemoveAll(dir string) error {
	if err := d.check(Remove, dir); err != nil {
		return err
	}
	return again(func() error { return os.RemoveAll(dir) })
}

// Discard removes a file, or a folder and what is in it, if it can: what was only
// needed for a while is no reason to fail.
func Discard(path string) { _ = again(func() error { return os.RemoveAll(path) }) }

// Chmod sets a file's mode.
func (d Disk) Chmod(path string, mode fs.FileMode) error {
	if err := d.check(Chmod, path); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// Rename gives a file another name in the same file system, replacing what
// has it.
func (d Disk) Rename(from, to string) error {
	if err := d.check(Rename, to); err != nil {
		return err
	}
	return again(func() error { return replace(from, to) })
}

// SyncDir makes the names in a folder survive a loss of power.
func (d Disk) SyncDir(dir string) error {
	if err := d.check(Sync, dir); err != nil {
		return err
	}
	return syncDir(dir)
}

// Writable reports whether files can be made in dir, or in the nearest folder
// above it that exists. It changes nothing. Errors: *LinkError, *fs.PathError.
func (d Disk) Writable(dir string) error {
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return &fs.PathError{Op: "mkdir", Path: dir, Err: system.NotDir}
		case err == nil:
			if err := d.check(Create, dir); err != nil {
				return err
			}
			return writable(dir)
		case !errors.Is(err, fs.ErrNotExist) && !system.Is(err, syscall.ENOTDIR):
			return Explain(dir, err)
		}
		if err := Explain(dir, err); errors.As(err, new(*LinkError)) {
			return err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return err
		}
		dir = up
	}
}
