package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Temp is a temporary file beside the file that it is to replace. Its name
// bears the process id of its writer, and as long as the writer lives it holds
// a lock on the file, by which Sweep tells the dead from the living: ids are
// used again, and mean nothing to another container with the same folder.
type Temp struct {
	d     Disk
	path  string
	file  *os.File // for writing, nil once sealed
	guard *os.File // holds the lock; never open for writing, since a busy file cannot be started
}

// The name is .STEM.PID-RANDOM.tmp, then the base's extension where that is
// .exe, without which Windows starts no file. The base is cut, for the name
// must not be longer than a file system takes.
func tempName(base string) string {
	stem, ext := base, ""
	if strings.HasSuffix(base, ".exe") {
		stem, ext = strings.TrimSuffix(base, ".exe"), ".exe"
	}
	return fmt.Sprintf(".%s.%d-%08x.tmp%s", stem[:min(len(stem), 100)], os.Getpid(), rand.Uint32(), ext)
}

// tempPID returns the process id in a temporary file's name.
func tempPID(name string) (pid int, ok bool) {
	name, ok = strings.CutSuffix(strings.TrimSuffix(name, ".exe"), ".tmp")
	if !ok || !strings.HasPrefix(name, ".") {
		return 0, false
	}
	id, random, ok := strings.Cut(name[strings.LastIndexByte(name, '.')+1:], "-")
	if !ok || len(random) != 8 || strings.Trim(random, "0123456789abcdef") != "" {
		return 0, false
	}
	pid, err := strconv.Atoi(id)
	return pid, err == nil && pid > 0
}

// CreateTemp makes a temporary file in dir, which must exist, to replace base.
func (d Disk) CreateTemp(dir, base string) (*Temp, error) {
	for {
		t := &Temp{d: d, path: filepath.Join(dir, tempName(base))}
		if err := d.check(Create, t.path); err != nil {
			return nil, err
		}
		var err error
		t.file, err = os.OpenFile(t.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		t.guard, err = guard(t.path)
		if err != nil {
			t.Discard()
			return nil, err
		}
		// A sweeper may have come between the creation and the lock.
		if same(t.file, t.path) {
			return t, nil
		}
		t.Discard()
	}
}

// Path returns the temporary file's name.
func (t *Temp) Path() string { return t.path }

// Write implements io.Writer.
func (t *Temp) Write(p []byte) (int, error) {
	if err := t.d.check(Write, t.path); err != nil {
		return 0, err
	}
	return t.file.Write(p)
}

// CopyFrom fills the file with another's bytes: by sharing its blocks where
// the file system can, within the kernel where it cannot. It returns their
// number.
func (t *Temp) CopyFrom(path string) (int64, error) {
	if err := t.d.check(Copy, t.path); err != nil {
		return 0, err
	}
	src, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	if n, ok := clone(t.file, src); ok {
		return n, nil
	}
	n, err := t.file.ReadFrom(src)
	if err != nil {
		return n, pathError("copy", t.path, err)
	}
	return n, nil
}

// Flush asks the system to begin writing n bytes from off to the disk, so that
// sealing has less to wait for.
func (t *Temp) Flush(off, n int64) { flush(t.file, off, n) }

// Seal sets the mode, makes the bytes durable and closes the file for writing.
func (t *Temp) Seal(mode fs.FileMode) error { return t.seal(mode, true) }

// SealLoosely is Seal for bytes that may be lost with the power.
func (t *Temp) SealLoosely(mode fs.FileMode) error { return t.seal(mode, false) }

func (t *Temp) seal(mode fs.FileMode, durable bool) error {
	if err := t.d.check(Chmod, t.path); err != nil {
		return err
	}
	// Asked for only where it is needed: some file systems refuse any change.
	if info, err := t.file.Stat(); err != nil || info.Mode().Perm() != mode {
		if err := t.file.Chmod(mode); err != nil {
			return err
		}
	}
	if durable {
		if err := t.d.check(Sync, t.path); err != nil {
			return err
		}
		if err := t.file.Sync(); err != nil {
			return err
		}
	}
	err := t.file.Close()
	t.file = nil
	return err
}

// Rename moves the sealed file to its place.
func (t *Temp) Rename(to string) error {
	if err := t.d.Rename(t.path, to); err != nil {
		return err
	}
	t.path = ""
	t.close()
	return nil
}

// Discard removes the file, unless it was renamed. It may be called always.
func (t *Temp) Discard() {
	if t.path != "" {
		os.Remove(t.path)
		t.path = ""
	}
	t.close()
}

func (t *Temp) close() {
	if t.file != nil {
		t.file.Close()
		t.file = nil
	}
	if t.guard != nil {
		t.guard.Close()
		t.guard = nil
	}
}

// Sweep removes the temporary files in dir whose writers no longer run, and
// returns their paths. That dir does not exist is no error.
func (d Disk) Sweep(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	var swept []string
	var errs []error
	for _, e := range entries {
		pid, ok := tempPID(e.Name())
		path := filepath.Join(dir, e.Name())
		switch {
		case !ok:
			continue
		case e.Type() == fs.ModeSymlink:
			// Kept by Backup. A link cannot be locked, so its writer's id decides.
			if running(pid) {
				continue
			}
		case !e.Type().IsRegular():
			continue
		}
		done, err := d.sweepOne(path, pid, e.Type().IsRegular())
		if err != nil {
			errs = append(errs, err)
		} else if done {
			swept = append(swept, path)
		}
	}
	return swept, errors.Join(errs...)
}

// sweepOne removes a temporary file, if its writer runs no more.
func (d Disk) sweepOne(path string, pid int, regular bool) (done bool, err error) {
	if regular {
		release, ok := abandoned(path, pid)
		if !ok {
			return false, nil
		}
		defer release()
	}
	return true, d.Remove(path)
}

// same tells whether an open file still bears the name path.
func same(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(open, named)
}

// pathError names the file in an error that does not.
func pathError(op, path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return err
	}
	var se *os.SyscallError
	if errors.As(err, &se) {
		err = se.Err
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}
