//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func umask(t *testing.T, mask int) {
	t.Helper()
	old := syscall.Umask(mask)
	t.Cleanup(func() { syscall.Umask(old) })
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

// Modes are the umask's, but the owner keeps what the program needs.
func TestModes(t *testing.T) {
	for _, c := range []struct {
		mask         int
		folder, file fs.FileMode
	}{
		{0o022, 0o755, 0o644}, {0o002, 0o775, 0o664}, {0, 0o777, 0o666}, {0o077, 0o700, 0o600}, {0o777, 0o700, 0o600}, {0o277, 0o700, 0o600},
	} {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o2775|fs.ModeSetgid); err != nil {
			t.Fatal(err)
		}
		umask(t, c.mask)
		var d Disk
		sub := filepath.Join(dir, "a", "b")
		if err := d.MkdirAll(sub); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(sub, "f")
		if err := d.WriteFile(file, []byte("x"), Writing{}); err != nil {
			t.Fatal(err)
		}
		l, err := d.Lock(t.Context(), filepath.Join(sub, "l"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Unlock()
		for path, want := range map[string]fs.FileMode{
			filepath.Dir(sub): c.folder, sub: c.folder, file: c.file, filepath.Join(sub, "l"): c.file,
		} {
			if got := mode(t, path); got.Perm() != want || got.IsDir() && got&fs.ModeSetgid == 0 {
				t.Errorf("umask %03o: %s is %v, want %v and the group's", c.mask, path, got, want)
			}
		}
	}
}

// If the mount decides the mode and it gives its user what is wanted, no change of it is
// needed; where it gives less, the refusal is the error.
func TestSealWhereModesAreFixed(t *testing.T) {
	d := Disk{Fault: func(op Op, _ string) error {
		if op == Chmod {
			return syscall.EPERM
		}
		return nil
	}}
	for fixed, wanted := range map[fs.FileMode]error{0o777: nil, 0o755: nil, 0o700: nil, 0o644: syscall.EPERM} {
		temp, err := d.CreateTemp(t.TempDir(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(temp.Path(), fixed); err != nil {
			t.Fatal(err)
		}
		if err := temp.Seal(0o755, false); !errors.Is(err, wanted) {
			t.Errorf("%v: %v, want %v", fixed, err, wanted)
		}
		temp.Discard()
	}
}

func TestWriteFileKeepsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	var d Disk
	for _, m := range []fs.FileMode{0o640, 0o600} {
		if err := d.WriteFile(path, nil, Writing{Mode: m}); err != nil {
			t.Fatal(err)
		}
		if err := d.WriteFile(path, []byte("x"), Writing{}); err != nil || mode(t, path) != m {
			t.Errorf("%v, %v", mode(t, path), err)
		}
	}
}

// What root writes under sudo stays its user's. Any other test sees that writing
// does not depend on the right to give a file away.
func TestWriteFileKeepsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		uid, gid = 54321, 54322
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range []Writing{{}, {Mode: 0o600}, {Durability: Loose}} {
		if err := (Disk{}).WriteFile(path, []byte("x"), o); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := info.Sys().(*syscall.Stat_t); !ok || int(s.Uid) != uid || int(s.Gid) != gid {
			t.Errorf("%+v: belongs to %d:%d, want %d:%d", o, s.Uid, s.Gid, uid, gid)
		}
	}
}

func TestWriteFileThroughLinks(t *testing.T) {
	dir := t.TempDir()
	real, link, second := filepath.Join(dir, "real"), filepath.Join(dir, "link"), filepath.Join(dir, "second")
	write(t, real, "old")
	for from, to := range map[string]string{link: "real", second: link} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	var d Disk
	if err := d.WriteFile(second, []byte("new"), Writing{Follow: true}); err != nil || read(t, real) != "new" || mode(t, second).IsRegular() {
		t.Errorf("%q, %v", read(t, real), err)
	}
	if err := d.WriteFile(second, []byte("mine"), Writing{}); err != nil || read(t, real) != "new" || !mode(t, second).IsRegular() {
		t.Errorf("%q, %v", read(t, real), err)
	}
	only(t, dir, "link", "real", "second")
}

// Nobody knows the temporary file: what cannot be written is the file.
func TestWriteFileNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	for _, op := range []Op{Create, Write, Chmod, Sync} {
		d := Disk{Fault: func(o Op, _ string) error {
			if o == op {
				return syscall.ENOSPC
			}
			return nil
		}}
		path := filepath.Join(dir, "f")
		err := d.WriteFile(path, []byte("x"), Writing{})
		if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), "write "+path+": ") {
			t.Errorf("%s: %v", op, err)
		}
	}
	only(t, dir)
}

func TestLinksThatLeadNowhere(t *testing.T) {
	dir := t.TempDir()
	gone, circle, other := filepath.Join(dir, "gone"), filepath.Join(dir, "circle"), filepath.Join(dir, "other")
	for from, to := range map[string]string{gone: "/nowhere/at/all", circle: "other", other: "circle"} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	var d Disk
	for _, link := range []string{gone, circle} {
		target, _ := os.Readlink(link)
		below := filepath.Join(link, "f")
		_, lock := d.TryLock(below)
		_, temp := d.CreateTemp(link, "f")
		for what, err := range map[string]error{
			"write":         d.WriteFile(link, nil, Writing{Follow: true}),
			"write below":   d.WriteFile(below, nil, Writing{}),
			"make":          d.MkdirAll(link),
			"make below":    d.MkdirAll(below),
			"ask":           d.Writable(link),
			"ask below":     d.Writable(below),
			"lock":          lock,
			"temporary one": temp,
		} {
			var e *LinkError
			if !errors.As(err, &e) || e.Path != link || e.Target != target || e.Circle != (link == circle) {
				t.Errorf("%s, %s: %v", link, what, err)
			}
		}
	}
	if err := d.MkdirAll(filepath.Join(dir, "f", "..", "g")); err != nil {
		t.Error(err)
	}
}

func TestSweepFile(t *testing.T) {
	dir := t.TempDir()
	mine, other := filepath.Join(dir, tempName("x.lock")), filepath.Join(dir, tempName("x.lock.y"))
	write(t, mine, "")
	write(t, other, "")
	if swept, err := (Disk{}).SweepFile(filepath.Join(dir, "x.lock")); err != nil || len(swept) != 1 || swept[0] != mine {
		t.Errorf("swept %q, %v", swept, err)
	}
	if swept, err := (Disk{}).SweepFile(filepath.Join(dir, "none", "x.lock")); err != nil || len(swept) != 0 {
		t.Errorf("swept %q, %v", swept, err)
	}
}
