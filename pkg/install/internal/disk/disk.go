// Package disk holds the file-system work of installing: locks between
// processes, temporary files that say whether their writer lives, replacing a
// file in one step, and copying without moving bytes where the system can.
package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Op is a kind of file-system change, for faults.
type Op string

// The changes that a fault can refuse.
const (
	Mkdir  Op = "mkdir"
	Create Op = "create"
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

// MkdirAll makes a folder and those above it, 0755.
func (d Disk) MkdirAll(dir string) error {
	if err := d.check(Mkdir, dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

// Remove removes a file. That it does not exist is no error.
func (d Disk) Remove(path string) error {
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
	return os.RemoveAll(dir)
}

// Chmod sets a file's mode.
func (d Disk) Chmod(path string, mode fs.FileMode) error {
	if err := d.check(Chmod, path); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// Rename gives a file another name in the same file system, replacing what
// bears it.
func (d Disk) Rename(from, to string) error {
	if err := d.check(Rename, to); err != nil {
		return err
	}
	return replace(from, to)
}

// SyncDir makes the names in a folder survive a loss of power.
func (d Disk) SyncDir(dir string) error {
	if err := d.check(Sync, dir); err != nil {
		return err
	}
	return syncDir(dir)
}

// WriteFile replaces a file with data in one step. With durable, data survives
// a loss of power; the name does after SyncDir.
func (d Disk) WriteFile(path string, data []byte, durable bool) error {
	t, err := d.CreateTemp(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return err
	}
	defer t.Discard()
	if _, err := t.Write(data); err != nil {
		return err
	}
	if err := t.seal(0o644, durable); err != nil {
		return err
	}
	return t.Rename(path)
}

// Writable tells whether files can be made in dir, or in the nearest folder
// above it that exists. It changes nothing. The error is a *fs.PathError.
func (d Disk) Writable(dir string) error {
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return &fs.PathError{Op: "mkdir", Path: dir, Err: errors.New("is a file, not a folder")}
		case err == nil:
			if err := d.check(Create, dir); err != nil {
				return err
			}
			return writable(dir)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return err
		}
		dir = up
	}
}
