package disk

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Backup is a file kept under another name while its own is given to a new
// one, so that it can be put back without a byte being written: on a full disk
// too.
type Backup struct {
	d     Disk
	path  string // of the file
	kept  string // the other name; "" if there was no file
	guard *os.File
}

// Backup keeps the file or link at path, if there is one.
func (d Disk) Backup(path string) (*Backup, error) {
	info, err := os.Lstat(path)
	if err != nil {
		if os.IsNotExist(err) {
			return &Backup{d: d, path: path}, nil
		}
		return nil, err
	}
	b := &Backup{d: d, path: path, kept: filepath.Join(filepath.Dir(path), tempName(filepath.Base(path)))}
	if err := d.check(Link, b.kept); err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		if err == nil {
			err = os.Symlink(target, b.kept)
		}
		if err != nil {
			return nil, err
		}
		return b, nil
	}
	if !info.Mode().IsRegular() {
		// To open a pipe is to wait for its other end.
		if err := os.Link(path, b.kept); err != nil {
			return nil, err
		}
		return b, nil
	}
	if os.Link(path, b.kept) != nil {
		// No hard links on this file system, or not to another's file.
		if err := b.copy(info.Mode().Perm()); err != nil {
			return nil, err
		}
		return b, nil
	}
	b.guard, _ = hold(b.kept) // a file that cannot be read is not guarded
	return b, nil
}

func (b *Backup) copy(mode fs.FileMode) error {
	t, err := b.d.CreateTemp(filepath.Dir(b.path), filepath.Base(b.path))
	if err != nil {
		return err
	}
	defer t.close()
	b.kept = t.path
	if _, err = t.CopyFrom(b.path); err == nil {
		err = t.Seal(mode, true)
	}
	if err != nil {
		t.Discard()
		return err
	}
	b.guard, t.guard = t.guard, nil
	return nil
}

// Restore makes the path what it was, after it was given to another file.
func (b *Backup) Restore() error {
	if b.kept == "" {
		return b.d.Remove(b.path)
	}
	err := b.d.Rename(b.kept, b.path)
	b.close()
	return err
}

// Discard gives the old file up.
func (b *Backup) Discard() {
	if b.kept != "" {
		Discard(b.kept)
	}
	b.close()
}

func (b *Backup) close() {
	if b.guard != nil {
		b.guard.Close()
		b.guard = nil
	}
}
