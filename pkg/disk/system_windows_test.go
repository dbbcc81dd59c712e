package disk

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

func TestLockFileGoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	l, err := Disk{}.Lock(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := (Disk{}).TryLock(path); other != nil || err != nil {
		t.Errorf("locked twice: %v", err)
	}
	l.UnlockAndRemove()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the lock's file is there: %v", err)
	}
}

// Whoever has a file open for reading keeps others from replacing it.
func TestReplaceHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	scanner, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, func() { scanner.Close() })
	if err := (Disk{}).WriteFile(path, []byte("new"), Writing{}); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, []byte("new")) {
		t.Errorf("%q, %v", data, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestDiscardedGoes(t *testing.T) {
	dir := t.TempDir()
	temp, err := Disk{}.CreateTemp(dir, "x.exe")
	if err != nil {
		t.Fatal(err)
	}
	temp.Discard()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestFileForFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{Disk{}.MkdirAll(file), Disk{}.MkdirAll(filepath.Join(file, "x")), Disk{}.Writable(filepath.Join(file, "x"))} {
		if err == nil || os.IsNotExist(err) || !system.Is(err, syscall.ENOTDIR) {
			t.Errorf("a file in the place of a folder: %v", err)
		}
	}
}

func TestFree(t *testing.T) {
	if bytes, _, ok := Free(filepath.Join(t.TempDir(), "not", "there")); !ok || bytes <= 0 {
		t.Errorf("%d bytes, %v", bytes, ok)
	}
}

// What a scanner has open is left for the next sweep, without a wait and without a
// word; of who wrote it nothing runs any more.
func TestSweepHeld(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, ".x.2147483644-00000000.tmp")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	scanner, err := os.Open(left)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if swept, err := (Disk{}).Sweep(dir); len(swept) != 0 || err != nil || time.Since(begun) > patience/2 {
		t.Errorf("held: swept %v, %v, after %s", swept, err, time.Since(begun))
	}
	scanner.Close()
	if swept, err := (Disk{}).Sweep(dir); len(swept) != 1 || err != nil {
		t.Errorf("let go: swept %v, %v", swept, err)
	}
}
