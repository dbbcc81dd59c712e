//go:build linux

package install

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A disk that is really full, in the store first, then in the folder. The
// other tests of full disks refuse changes themselves.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("needs the right to mount: ", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	w := newWorld(t)
	w.dir, w.copy = filepath.Join(dir, "home"), true // a link takes no room
	old := w.publish("a", "1.0.0")
	w.sync("/x.lock", old)
	newer := w.big("a", "2.0.0") // 600 kB, and once more in its place

	fill := func(leave int64) *os.File {
		t.Helper()
		f, err := os.Create(filepath.Join(dir, "fill"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(f, endless{})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		if err := f.Truncate(n - leave); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, leave := range []int64{0, 100 << 10, 900 << 10} {
		f := fill(leave)
		_, err := runSync(t.Context(), w.installer(), []Item{newer}, PlaceOptions{Claim: "/x.lock"})
		var space *SpaceError
		if !errors.Is(err, syscall.ENOSPC) && !errors.As(err, &space) {
			t.Errorf("with %d bytes free: %v", leave, err)
		}
		w.holds(old, "1.0.0")
		w.tidy()
		f.Close()
		os.Remove(f.Name())
	}
	w.sync("/x.lock", newer)
	whole(t, newer, false, "2.0.0")
}
