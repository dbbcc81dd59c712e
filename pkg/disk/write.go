package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Durability is what a write is to survive besides the end of its process.
type Durability int

// The durabilities.
const (
	Durable Durability = iota // a loss of power, the file's name too
	Bytes                     // the bytes survive a loss of power, and the name after SyncDir
	Loose                     // what can be found out again: it may be lost with the power
)

// Writing says how a file is replaced. The zero value is for a file that others
// may read: it has the mode that it had, and a link in its place goes. The owner
// stays the same as far as this process may say so.
type Writing struct {
	Mode       fs.FileMode // 0: the old file's; of a new one what the umask leaves of 0666
	Follow     bool        // write to the file that a link leads to, as an editor would
	Durability Durability
}

// WriteFile replaces a file with data in one step: whoever reads it, at any time
// and after any crash, finds the old bytes or the new ones. Errors: *LinkError,
// *fs.PathError for path.
func (d Disk) WriteFile(path string, data []byte, o Writing) error {
	return d.Replace(path, o, func(t *Temp) error {
		_, err := t.Write(data)
		return err
	})
}

// Replace is WriteFile for what fill writes. fill's errors are returned as they
// are, unless they are the file system's.
func (d Disk) Replace(path string, o Writing, fill func(*Temp) error) (err error) {
	if o.Follow {
		if path, err = Target(path); err != nil {
			return err
		}
	}
	t, err := d.CreateTemp(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return written(path, err)
	}
	defer t.Discard()
	if old, err := os.Lstat(path); err == nil && old.Mode().IsRegular() {
		keepOwner(t.file, old)
		if o.Mode == 0 {
			o.Mode = old.Mode().Perm()
		}
	}
	temp := t.Path()
	if err = fill(t); err == nil {
		err = t.Seal(o.Mode, o.Durability != Loose)
	}
	if err == nil {
		err = t.Rename(path)
	}
	if pe := new(fs.PathError); errors.As(err, &pe) && pe.Path == temp {
		return written(path, err)
	}
	if err == nil && o.Durability == Durable {
		err = d.SyncDir(filepath.Dir(path))
	}
	return err
}

// written names the file in an error about its temporary one, which nobody knows.
func written(path string, err error) error {
	if pe := new(fs.PathError); errors.As(err, &pe) {
		return &fs.PathError{Op: "write", Path: path, Err: pe.Err}
	}
	return err
}

// replaceBusy renames on systems on which a running executable can be renamed but not
// replaced, as on Windows: it moves that aside first, under the name of a
// temporary file, which the next sweep removes once nothing runs it any more.
// rename is os.Rename, or what a test has in its place.
func replaceBusy(from, to string, rename func(from, to string) error) error {
	err := rename(from, to)
	if err == nil {
		return nil
	}
	if info, e := os.Lstat(to); e != nil || info.IsDir() {
		return err // a folder would go aside too, with all that is in it
	}
	aside := filepath.Join(filepath.Dir(to), tempName(filepath.Base(to)))
	if rename(to, aside) != nil {
		return err // not busy, then
	}
	if err := rename(from, to); err != nil {
		return errors.Join(err, rename(aside, to))
	}
	os.Remove(aside) // fails as long as it runs
	return nil
}

// Note adds data to the end of a file that only ever saves work, in one write, so that
// processes at the same time lose nothing of each other. A file of more than limit
// bytes is begun again. What cannot be written has to be found out again, so who does
// not tell a person can pass over the error.
func (d Disk) Note(file string, data []byte, limit int64) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(file); err == nil && info.Size() > limit {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	if err := d.MkdirAll(filepath.Dir(file)); err != nil {
		return err
	}
	f, err := os.OpenFile(file, flags, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
