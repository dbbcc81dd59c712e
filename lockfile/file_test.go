package lockfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// names lists a folder.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "schemahero-plugins.lock")
	if _, err := lockfile.Load(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of nothing: %v", err)
	}
	lock := sample()
	if err := lock.Save(file); err != nil {
		t.Fatal(err)
	}
	first, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if read, err := lockfile.Load(file); err != nil || string(read.Encode()) != string(lock.Encode()) {
		t.Fatalf("%v, %v", read, err)
	}

	// The same bytes are not written again.
	if err := lock.Save(file); err != nil {
		t.Fatal(err)
	}
	if same, err := os.Stat(file); err != nil || !os.SameFile(first, same) || same.ModTime() != first.ModTime() {
		t.Errorf("the same lock was written again: %v", err)
	}

	// Others are, and the mode stays.
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	lock.Plugins = lock.Plugins[:1]
	if err := lock.Save(file); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o640 && runtime.GOOS != "windows" { // that has no such modes
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if read, err := lockfile.Load(file); err != nil || len(read.Plugins) != 1 {
		t.Errorf("%v, %v", read, err)
	}
	if got := names(t, dir); got != "schemahero-plugins.lock" {
		t.Errorf("left behind: %s", got)
	}
}

func TestSaveInvalid(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "X.lock")
	if err := sample().Save(file); err != nil {
		t.Fatal(err)
	}
	lock := sample()
	lock.Plugins[0].Platforms[0].File = "../../evil"
	var bad *diag.Error
	if err := lock.Save(file); !errors.As(err, &bad) {
		t.Errorf("%v", err)
	}
	if read, err := lockfile.Load(file); err != nil || string(read.Encode()) != string(sample().Encode()) {
		t.Errorf("the lock that was there: %v, %v", read, err)
	}
}

// A link in the lock's place can come from a pull request and lead anywhere.
func TestSaveReplacesLink(t *testing.T) {
	dir := t.TempDir()
	target, file := filepath.Join(dir, "target"), filepath.Join(dir, "X.lock")
	if err := os.WriteFile(target, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, file); err != nil {
		t.Skip(err)
	}
	if err := sample().Save(file); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(target); err != nil || string(data) != "mine" {
		t.Errorf("the link's target: %q, %v", data, err)
	}
	if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the lock: %v, %v", info.Mode(), err)
	}
}

// A process that was killed leaves its sibling; it must neither stop the next
// one nor be written through.
func TestSaveBesideLeftOvers(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, fmt.Sprintf(".X.lock.tmp-%d-0", os.Getpid()))
	if err := os.WriteFile(stale, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := sample().Save(filepath.Join(dir, "X.lock")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(stale); err != nil || string(data) != "half" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestSaveFails(t *testing.T) {
	dir := t.TempDir()
	absent := filepath.Join(dir, "absent", "X.lock")
	if err := sample().Save(absent); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "write "+absent+": ") {
		t.Errorf("in no folder: %v", err)
	}
	file := filepath.Join(dir, "X.lock")
	if err := os.MkdirAll(filepath.Join(file, "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := sample().Save(file); err == nil {
		t.Error("a folder was replaced")
	}
	if got := names(t, dir); got != "X.lock" {
		t.Errorf("left behind: %s", got)
	}
}
