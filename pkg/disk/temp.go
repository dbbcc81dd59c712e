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
// has the process id of its writer, and as long as the writer lives it holds
// a lock on the file, by which Sweep knows that it lives: ids are used again,
// and mean nothing to another container with the same folder.
type Temp struct {
	d      Disk
	path   string
	linked bool     // another name of a file that is not to be written to
	file   *os.File // for writing, nil once sealed
	guard  *os.File // holds the lock; never open for writing, since a busy file cannot be started
}

// The name is .STEM.PID-RANDOM.tmp, then the base's extension if that is
// .exe, without which Windows starts no file. The base is cut, for the name
// must not be longer than a file system takes.
func tempName(base string) string {
	ext := ""
	if strings.HasSuffix(base, ".exe") {
		ext = ".exe"
	}
	return fmt.Sprintf("%s%d-%08x.tmp%s", tempPrefix(base), os.Getpid(), rand.Uint32(), ext)
}

// tempPrefix begins the names of the temporary files of one file.
func tempPrefix(base string) string {
	stem := strings.TrimSuffix(base, ".exe")
	return "." + stem[:min(len(stem), 100)] + "."
}

// splitTemp takes the name of a temporary file apart.
func splitTemp(name string) (prefix string, pid int, ok bool) {
	name, ok = strings.CutSuffix(strings.TrimSuffix(name, ".exe"), ".tmp")
	if !ok || !strings.HasPrefix(name, ".") {
		return "", 0, false
	}
	end := strings.LastIndexByte(name, '.') + 1
	id, random, ok := strings.Cut(name[end:], "-")
	if !ok || len(random) != 8 || strings.Trim(random, "0123456789abcdef") != "" {
		return "", 0, false
	}
	pid, err := strconv.Atoi(id)
	return name[:end], pid, err == nil && pid > 0
}

// IsTemp reports whether a name is that of a temporary file.
func IsTemp(name string) bool {
	_, _, ok := splitTemp(name)
	return ok
}

// CreateTemp makes a temporary file in dir, which must exist, to replace base.
func (d Disk) CreateTemp(dir, base string) (*Temp, error) {
	for {
		t := &Temp{d: d, path: filepath.Join(dir, tempName(base))}
		if err := d.check(Create, t.path); err != nil {
			return nil, err
		}
		var err error
		t.file, err = create(t.path, os.O_EXCL)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, Explain(dir, err)
		}
		t.guard, err = hold(t.path)
		if err != nil {
			t.Discard()
			return nil, err
		}
		// A sweeper may have come between the creation and the lock.
		if isAt(t.file, t.path) {
			return t, nil
		}
		t.Discard()
	}
}

// create opens a file for reading and writing, and makes it if it is not there:
// with what the umask leaves of 0666, and with the owner's rights in any case.
func create(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|flags, 0o666)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode()&0o600 != 0o600 {
		err = f.Chmod(info.Mode().Perm() | 0o600)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
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

// CopyFrom fills the file with another's bytes: by sharing its blocks if
// the file system can, within the kernel if it cannot. It returns their
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

// WriteAt implements io.WriterAt.
func (t *Temp) WriteAt(p []byte, off int64) (int, error) {
	if err := t.d.check(Write, t.path); err != nil {
		return 0, err
	}
	return t.file.WriteAt(p, off)
}

// Truncate sets the file's size; what is added reads as zeros.
func (t *Temp) Truncate(size int64) error {
	if err := t.d.check(Write, t.path); err != nil {
		return err
	}
	return t.file.Truncate(size)
}

// Seal sets the mode, with 0 the umask's, and closes the file for writing. If
// durable, its bytes survive a loss of power.
func (t *Temp) Seal(mode fs.FileMode, durable bool) error {
	// Asked for only if it is needed: some file systems refuse any change. One
	// with a fixed mode that gives this user every right that is wanted will do: a
	// mount for one alone has 0700.
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	if err = t.d.check(Chmod, t.path); err == nil && mode != 0 && info.Mode().Perm() != mode {
		err = t.file.Chmod(mode)
	}
	if err != nil && (!fixedMode(err) || info.Mode().Perm()&mode&0o700 != mode&0o700) {
		return err
	}
	if durable {
		if err := t.d.check(Sync, t.path); err != nil {
			return err
		}
		if err := syncFile(t.file); err != nil {
			return err
		}
	}
	err = t.file.Close()
	t.file = nil
	return err
}

// fixedMode reports whether a mode could not be set since the file system's mount
// decides it: FAT, CIFS, FUSE.
func fixedMode(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported)
}

// Rename moves the sealed file to its place.
func (t *Temp) Rename(to string) error {
	if err := t.d.Rename(t.path, to); err != nil {
		return err
	}
	if t.linked {
		os.Remove(t.path) // which stays if both are names of one file
	}
	t.path = ""
	t.close()
	return nil
}

// Discard removes the file, unless it was renamed. It may be called always.
func (t *Temp) Discard() {
	if t.file != nil {
		t.file.Close() // Windows removes no open file
		t.file = nil
	}
	if t.path != "" {
		Discard(t.path)
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

// isAt reports whether an open file still has the name path.
func isAt(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(open, named)
}

// pathError names the file in an error that does not.
func pathError(op, path string, err error) error {
	if errors.As(err, new(*fs.PathError)) {
		return err
	}
	if se, ok := errors.AsType[*os.SyscallError](err); ok {
		err = se.Err
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}
