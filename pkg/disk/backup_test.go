//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestBackup(t *testing.T) {
	for _, c := range []struct {
		title  string
		before func(path string)
		after  func(t *testing.T, path string)
	}{
		{"file", func(p string) { os.WriteFile(p, []byte("old"), 0o751) }, func(t *testing.T, p string) {
			if info, _ := os.Lstat(p); read(t, p) != "old" || info.Mode() != 0o751 {
				t.Errorf("%q, %v", read(t, p), info.Mode())
			}
		}},
		{"no file", func(string) {}, func(t *testing.T, p string) {
			if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		}},
		{"pipe", func(p string) { syscall.Mkfifo(p, 0o644) }, func(t *testing.T, p string) {
			if info, err := os.Lstat(p); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
				t.Errorf("%v, %v", info, err)
			}
		}},
		{"link", func(p string) { os.Symlink("/nowhere", p) }, func(t *testing.T, p string) {
			if to, err := os.Readlink(p); to != "/nowhere" {
				t.Errorf("%q, %v", to, err)
			}
		}},
	} {
		t.Run(c.title, func(t *testing.T) {
			dir := t.TempDir()
			path, fresh := filepath.Join(dir, "f"), filepath.Join(dir, "new")
			c.before(path)
			var d Disk
			replace := func() *Backup {
				t.Helper()
				b, err := d.Backup(path)
				if err != nil {
					t.Fatal(err)
				}
				write(t, fresh, "new")
				if err := d.Rename(fresh, path); err != nil {
					t.Fatal(err)
				}
				return b
			}
			b := replace()
			if swept, _ := d.Sweep(dir); len(swept) != 0 {
				t.Errorf("what may be put back was swept: %q", swept)
			}
			if err := b.Restore(); err != nil {
				t.Fatal(err)
			}
			b.Discard()
			c.after(t, path)
			replace().Discard()
			if read(t, path) != "new" {
				t.Errorf("holds %q", read(t, path))
			}
			only(t, dir, "f")
		})
	}
	if _, err := (Disk{}).Backup(t.TempDir()); err == nil {
		t.Error("a folder was kept")
	}
}

// If there are no hard links, the file is copied.
func TestBackupByCopy(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, "old")
	b := &Backup{path: path}
	if err := b.copy(0o640); err != nil {
		t.Fatal(err)
	}
	if swept, _ := (Disk{}).Sweep(dir); len(swept) != 0 {
		t.Errorf("swept %q", swept)
	}
	write(t, path, "new")
	if err := b.Restore(); err != nil || read(t, path) != "old" {
		t.Errorf("%q, %v", read(t, path), err)
	}
	only(t, dir, "f")
}

// busy renames as Windows does while one file runs.
func busy(running string) func(from, to string) error {
	return func(from, to string) error {
		if to == running {
			if _, err := os.Lstat(to); err == nil {
				return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EACCES}
			}
		}
		return os.Rename(from, to)
	}
}

func TestReplaceBusy(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "new"), filepath.Join(dir, "f")
	write(t, from, "new")
	write(t, to, "old")
	if err := replaceBusy(from, to, busy(to)); err != nil || read(t, to) != "new" {
		t.Errorf("%q, %v", read(t, to), err)
	}
	only(t, dir, "f")

	// If it fails all the same, the old file is back.
	if err := replaceBusy(from, to, busy(to)); !errors.Is(err, fs.ErrNotExist) || read(t, to) != "new" {
		t.Errorf("%q, %v", read(t, to), err)
	}
	only(t, dir, "f")
	refuse := func(string, string) error { return syscall.EACCES }
	if err := os.WriteFile(from, []byte("newest"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := replaceBusy(from, folder, busy(folder)); err == nil || read(t, from) != "newest" {
		t.Errorf("a folder was replaced by a file: %v", err)
	}
	if err := os.Remove(from); err != nil {
		t.Fatal(err)
	}
	if err := replaceBusy(from, to, refuse); err != syscall.EACCES {
		t.Errorf("got %v", err)
	}
}
