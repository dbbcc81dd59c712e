//go:build unix

package disk

import (
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
		if err := d.WriteFile(path, []byte(data), Writing{}); err != nil {
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
	if err := d.WriteFile(path, []byte("x"), Writing{}); !errors.Is(err, syscall.EIO) || !errors.As(err, &pe) {
		t.Errorf("got %v", err)
	}
	if err := d.WriteFile(path, []byte("y"), Writing{Durability: Loose}); err != nil {
		t.Errorf("it was synced without being asked: %v", err)
	}
	only(t, dir, "f")
}

func TestTempNames(t *testing.T) {
	for _, base := range []string{"schemahero-postgres", "schemahero-postgres.exe", "a.b-c", strings.Repeat("x", 250), "é"} {
		name := tempName(base)
		_, pid, ok := splitTemp(name)
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
		if _, pid, ok := splitTemp(name); ok {
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
	if err := sealed.Seal(0o755, true); err != nil {
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
	if err := temp.Seal(0o755, true); err != nil {
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
