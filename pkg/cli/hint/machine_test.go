//go:build unix

package hint

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

// What a hint says must help: another folder for drivers does not, if it is
// the home that takes no files.
func TestDiskHints(t *testing.T) {
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("/nowhere", link); err != nil {
		t.Fatal(err)
	}
	theirs := "/proc/1" // root's, and this test may be root's as well
	var hint string
	if os.Geteuid() != 0 {
		hint = "belongs to root"
	} else if theirs = filepath.Join(home, "theirs"); os.Mkdir(theirs, 0o755) != nil || os.Chown(theirs, 54321, -1) != nil {
		t.Fatal("the folder could not be given away")
	} else {
		hint = theirs + " belongs to 54321, who can let you write there"
	}
	for _, c := range []struct {
		title    string
		home     string
		err      error
		has, not string
	}{
		{"home", home, &install.FolderError{Dir: filepath.Join(home, "store"), Err: syscall.EACCES}, "--home DIR, or SCHEMAHERO_PLUGIN_HOME=DIR", "--dir"},
		{"home on a read-only disk", home, &fs.PathError{Op: "open", Path: filepath.Join(home, "locks", "home.lock"), Err: syscall.EROFS}, "--home DIR", "--dir"},
		{"home that is not there", "/nonexistent/.schemahero", &install.FolderError{Dir: "/nonexistent/.schemahero/store", Err: syscall.EACCES}, "--home DIR", "belongs"},
		{"another's", home, &install.FolderError{Dir: theirs, Err: syscall.EACCES}, hint, ""},
		{"folder", home, &install.FolderError{Dir: dir, Err: syscall.EACCES}, "--dir DIR", "--home"},
		{"file", home, &fs.PathError{Op: "write", Path: filepath.Join(dir, "x.lock"), Err: syscall.EPERM}, "make its folder writable: " + dir, "--home"},
		{"full", home, &fs.PathError{Op: "write", Path: home, Err: syscall.ENOSPC}, "plugin prune", "belongs"},
		{"full elsewhere", home, &fs.PathError{Op: "write", Path: filepath.Join(dir, "x.lock"), Err: syscall.ENOSPC}, "free disk space there: " + dir, "prune"},
		{"over quota", home, &fs.PathError{Op: "write", Path: home, Err: syscall.EDQUOT}, "plugin prune", "belongs"},
		{"a link that leads nowhere", home, &fs.PathError{Op: "open", Path: link, Err: syscall.ENOENT}, link + " is a link to /nowhere, which does not exist", ""},
		{"no home", "", &install.NoHomeError{}, "HOME is not set", ""},
	} {
		run := Context{Name: "plugin", Home: c.home, Config: &config.Config{}}
		got := strings.Join(For(run, fmt.Errorf("x: %w", c.err)), "\n")
		if !strings.Contains(got, c.has) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: hints %q, want %q and not %q", c.title, got, c.has, c.not)
		}
	}
}

func TestMayRun(t *testing.T) {
	for _, c := range []struct {
		goos, op string
		err      error
		want     bool
	}{
		{"windows", "remove", syscall.EACCES, true}, {"windows", "unlinkat", syscall.EACCES, true},
		{"windows", "open", syscall.EACCES, false}, {"windows", "remove", syscall.ENOENT, false}, {"linux", "remove", syscall.EACCES, false},
	} {
		if mayRun(c.goos, &fs.PathError{Op: c.op, Path: "x.exe", Err: c.err}) != c.want {
			t.Errorf("%s, %s, %v: %v", c.goos, c.op, c.err, !c.want)
		}
	}
}
