//go:build unix

package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// only fails the test unless dir holds these names and no other.
func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	var d Disk
	for _, data := range []string{"one", "two, longer", ""} {
		if err := d.WriteFile(path, []byte(data), true); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != data {
			t.Errorf("holds %q", got)
		}
	}
	d.Fault = func(op Op, path string) error {
		if op == Sync {
			return syscall.EIO
		}
		return nil
	}
	var pe *fs.PathError
	if err := d.WriteFile(path, []byte("x"), true); !errors.Is(err, syscall.EIO) || !errors.As(err, &pe) {
		t.Errorf("got %v", err)
	}
	if err := d.WriteFile(path, []byte("y"), false); err != nil {
		t.Errorf("it was synced without being asked: %v", err)
	}
	only(t, dir, "f")
}

func TestTempNames(t *testing.T) {
	for _, base := range []string{"schemahero-postgres", "schemahero-postgres.exe", "a.b-c", strings.Repeat("x", 250), "é"} {
		name := tempName(base)
		pid, ok := tempPID(name)
		if !ok || pid != os.Getpid() || len(name) > 255 {
			t.Errorf("%s: %s is of process %d, %v", base, name, pid, ok)
		}
		if strings.HasSuffix(base, ".exe") != strings.HasSuffix(name, ".exe") {
			t.Errorf("%s: %s cannot be started on Windows", base, name)
		}
	}
	for _, name := range []string{
		"schemahero-postgres", ".tmp", ".x.tmp", ".x.1.tmp", ".x.1-2.tmp", ".x.0-00000000.tmp", ".x.-1-00000000.tmp",
		"x.1-00000000.tmp", ".x.1-0000000g.tmp", ".x.1-00000000.tmp~", ".x.a-00000000.tmp", ".1-00000000", ".schemahero-plugins.lock.tmp-1-0",
	} {
		if pid, ok := tempPID(name); ok {
			t.Errorf("%s is taken for a temporary file of process %d", name, pid)
		}
	}
}

// Another process's temporary file is one that nobody holds.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	var d Disk
	live, err := d.CreateTemp(dir, "live")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := d.CreateTemp(dir, "sealed")
	if err != nil {
		t.Fatal(err)
	}
	if err := sealed.Seal(0o755); err != nil {
		t.Fatal(err)
	}
	// The id is that of a living process: it is not what decides.
	dead := filepath.Join(dir, tempName("dead"))
	write(t, dead, "half")
	write(t, filepath.Join(dir, "schemahero-mine"), "")
	write(t, filepath.Join(dir, ".mine.tmp"), "")
	os.Mkdir(filepath.Join(dir, tempName("folder")), 0o755)
	os.Symlink("/nowhere", filepath.Join(dir, tempName("link")))
	link := filepath.Join(dir, ".link.2147483647-00000000.tmp") // larger than any process id
	os.Symlink("/nowhere", link)
	syscall.Mkfifo(filepath.Join(dir, tempName("fifo")), 0o644)

	swept, err := d.Sweep(dir)
	if err != nil || !slices.Equal(swept, []string{dead, link}) {
		t.Errorf("swept %q, %v", swept, err)
	}
	if err := sealed.Rename(filepath.Join(dir, "sealed")); err != nil {
		t.Error(err)
	}
	live.Discard()
	if swept, err = d.Sweep(dir); err != nil || len(swept) != 0 {
		t.Errorf("then swept %q, %v", swept, err)
	}
	if swept, err = d.Sweep(filepath.Join(dir, "nowhere")); err != nil || len(swept) != 0 {
		t.Errorf("swept %q, %v", swept, err)
	}
	if read(t, filepath.Join(dir, "sealed")) != "" {
		t.Error("the sealed file is not what it was")
	}
}

// A file that waits to be renamed can be started: it must not be busy.
func TestSealedCanBeStarted(t *testing.T) {
	var d Disk
	temp, err := d.CreateTemp(t.TempDir(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer temp.Discard()
	if _, err := temp.CopyFrom("/bin/true"); err != nil {
		t.Skip(err)
	}
	if err := temp.Seal(0o755); err != nil {
		t.Fatal(err)
	}
	p, err := os.StartProcess(temp.Path(), []string{"true"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	if state, err := p.Wait(); err != nil || !state.Success() {
		t.Errorf("%v, %v", state, err)
	}
}

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

// Where there are no hard links, the file is copied.
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

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l")
	var d Disk
	held, err := d.TryLock(path)
	if err != nil || held == nil {
		t.Fatal(err)
	}
	if l, err := d.TryLock(path); l != nil || err != nil {
		t.Errorf("taken twice: %v, %v", l, err)
	}
	for _, finish := range []bool{false, true} {
		waits := make(chan int, 1)
		got := make(chan *Lock)
		go func() {
			l, err := d.Lock(t.Context(), path, func(pid int) { waits <- pid })
			if err != nil {
				t.Error(err)
			}
			got <- l
		}()
		if pid := <-waits; pid != os.Getpid() {
			t.Errorf("waiting for %d", pid)
		}
		if finish {
			held.Finish() // the waiter has another file's lock then, and must see it
		} else if err := held.Unlock(); err != nil {
			t.Error(err)
		}
		held = <-got
		if l, err := d.TryLock(path); l != nil || err != nil {
			t.Errorf("taken twice: %v, %v", l, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = d.Lock(ctx, path, func(int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(held.Unlock(), held.Unlock()); err != nil {
		t.Error(err)
	}
	held.Finish()
	if _, err := d.TryLock(filepath.Join(path, "below a file")); err == nil {
		t.Error("a lock was taken where no file can be")
	}
}

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	var d Disk
	if err := d.Writable(filepath.Join(dir, "a", "b")); err != nil {
		t.Error(err)
	}
	only(t, dir)
	write(t, filepath.Join(dir, "f"), "")
	var pe *fs.PathError
	if err := d.Writable(filepath.Join(dir, "f")); !errors.As(err, &pe) || pe.Path != filepath.Join(dir, "f") {
		t.Errorf("got %v", err)
	}
	if err := d.Writable(filepath.Join(dir, "f", "below")); err == nil {
		t.Error("a folder below a file is writable")
	}
	if os.Getuid() != 0 {
		os.Chmod(dir, 0o555)
		if err := d.Writable(dir); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("got %v", err)
		}
	}
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

	// Where it fails all the same, the old file is back.
	if err := replaceBusy(from, to, busy(to)); !errors.Is(err, fs.ErrNotExist) || read(t, to) != "new" {
		t.Errorf("%q, %v", read(t, to), err)
	}
	only(t, dir, "f")
	refuse := func(string, string) error { return syscall.EACCES }
	if err := replaceBusy(from, to, refuse); err != syscall.EACCES {
		t.Errorf("got %v", err)
	}
}
