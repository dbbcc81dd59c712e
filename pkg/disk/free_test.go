//go:build linux

package disk

import (
	"path/filepath"
	"syscall"
	"testing"
)

// What root alone may use is not free.
func TestFree(t *testing.T) {
	dir := t.TempDir()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	want := int64(s.Bavail) * s.Bsize
	got, _, ok := Free(filepath.Join(dir, "not", "there"))
	if !ok || got < want-want/50-1<<20 || got > want+want/50+1<<20 { // others write meanwhile
		t.Errorf("%d bytes, %v; %d are available", got, ok, want)
	}
}
