//go:build linux

package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A home that was copied into an image, where nothing can be written: no receipt
// matches its file any more, and none can be written.
func TestReadOnlyImage(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs to give the home to another user")
	}
	r := newRig(t)
	r.publish("a", "1.0.0")
	p := r.project(t.TempDir())
	command := p.asNobody()
	p.wants("1.0.0", "a")
	run := func(want int, says string, args ...string) {
		t.Helper()
		out, err := command(args...).CombinedOutput()
		code := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
		}
		if code != want || !strings.Contains(string(out), says) {
			t.Errorf("%q: %v, want %d and %q\n%s", args, err, want, says, out)
		}
	}
	run(0, "a 1.0.0 installed", "sync")
	file := filepath.Join(p.home, "plugins", "schemahero-a")
	data, err := os.ReadFile(file)
	if err == nil {
		err = errors.Join(os.Remove(file), os.WriteFile(file, data, 0o755), os.Chmod(file, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	mode := func(m os.FileMode) {
		t.Helper()
		for _, dir := range []string{"", "plugins", "store", "receipts", "locks", "locks/home.lock"} {
			if err := os.Chmod(filepath.Join(p.home, dir), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	mode(0o555)
	run(0, "nothing to do", "sync", "--locked")
	run(0, "", "run", "--", "true")
	run(0, "nothing to remove", "prune", "--dry-run")

	// A receipt that lies is told though it cannot be marked.
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), "echo", "ecko", 1)), 0o755); err != nil {
		t.Fatal(err)
	}
	vouch(t, p.home, file)
	run(0, "nothing to do", "sync", "--locked")
	run(3, "changed", "verify")
	mode(0o755)
	run(3, "changed", "verify")
	run(0, "repaired", "sync", "--locked")
}

// vouch makes a file's receipt vouch for it as it is.
func vouch(t *testing.T, home, file string) {
	t.Helper()
	receipt := filepath.Join(home, "receipts", fmt.Sprintf("%x.json", sha256.Sum256([]byte(file))))
	var s syscall.Stat_t
	if err := syscall.Stat(file, &s); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(receipt)
	if err != nil {
		t.Fatal(err)
	}
	says := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &says); err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]any{"size": s.Size, "mtime": s.Mtim.Nano(), "ctime": s.Ctim.Nano(), "inode": s.Ino} {
		if says[key], err = json.Marshal(value); err != nil {
			t.Fatal(err)
		}
	}
	if data, err = json.Marshal(says); err == nil {
		err = os.WriteFile(receipt, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
