//go:build unix

package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user whom file modes bind.
const nobody = 65534

// A folder that cannot be written to is found before anything is fetched, and
// nothing has changed: not the lock either.
func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish("a", "1.0.0")
	r.publish("a", "2.0.0")
	p := r.project(t.TempDir())
	command := p.command
	if os.Geteuid() == 0 {
		command = p.asNobody()
	}
	run := func(args ...string) (string, error) {
		out, err := command(args...).CombinedOutput()
		return string(out), err
	}
	p.wants("1.0.0", "a")
	if out, err := run("sync"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lock, err := os.ReadFile(p.lock())
	if err != nil {
		t.Fatal(err)
	}
	p.wants("2.0.0", "a")
	for _, dir := range []string{"plugins", "store", "receipts", "locks"} {
		if err := os.Chmod(filepath.Join(p.home, dir), 0o555); err != nil {
			t.Fatal(err)
		}
		out, err := run("sync")
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(out, filepath.Join(p.home, dir)+": ") || !strings.Contains(out, "permission denied") {
			t.Errorf("%s: %v\n%s", dir, err, out)
		}
		if v := p.whole("a", "a"); v != "1.0.0" {
			t.Errorf("%s: now it has version %q", dir, v)
		}
		if now, _ := os.ReadFile(p.lock()); string(now) != string(lock) {
			t.Errorf("%s: the lock changed", dir)
		}
		if r.times("a", "2.0.0") != 0 {
			t.Errorf("%s: the layer was fetched", dir)
		}
		if err := os.Chmod(filepath.Join(p.home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := run("sync"); err != nil || p.whole("a", "a") != "2.0.0" {
		t.Errorf("it does not heal: %v\n%s", err, out)
	}
}

// asNobody gives home and project to nobody, and the program as that user
// runs it.
func (p project) asNobody() func(args ...string) *exec.Cmd {
	t := p.r.t
	t.Helper()
	plugin, err := exec.LookPath("plugin")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "plugin")
	if err := exec.Command("cp", plugin, bin).Run(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{p.home, p.dir, filepath.Dir(bin)} {
		if err := errors.Join(os.Chown(dir, nobody, nobody), os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	as := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	try := exec.Command(bin, "version")
	try.SysProcAttr = as
	if err := try.Run(); errors.Is(err, fs.ErrPermission) {
		t.Skip("the folder for temporary files is not for everyone: ", err)
	}
	return func(args ...string) *exec.Cmd {
		cmd := p.command(args...)
		cmd.Path, cmd.SysProcAttr = bin, as
		return cmd
	}
}

// A disk that fills up leaves the old driver, no half-written file, and a
// sentence; with room again the same command succeeds. Needs the right to
// mount a small file system.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("needs to mount a tmpfs")
	}
	r := newRig(t)
	r.publish("a", "1.0.0")
	r.publish("a", "2.0.0")
	p := r.project(t.TempDir())
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", p.home).CombinedOutput(); err != nil {
		t.Skipf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", p.home).Run() })
	// A link would take no room.
	if err := os.WriteFile(filepath.Join(p.home, "config.toml"), []byte("link = false\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.wants("1.0.0", "a")
	p.run("sync")
	p.wants("2.0.0", "a")
	for _, free := range []int64{0, programSize / 2, programSize + programSize/2} {
		filler := filepath.Join(p.home, "filler")
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(f, zeros{})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		if err := errors.Join(f.Truncate(max(0, n-free)), f.Close()); err != nil {
			t.Fatal(err)
		}
		out, err := p.command("sync").CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "no space left") && !strings.Contains(string(out), "not enough space") {
			t.Errorf("%d bytes free: %v\n%s", free, err, out)
		}
		if v := p.whole("a", "a"); v != "1.0.0" {
			t.Errorf("%d bytes free: now it has version %q", free, v)
		}
		if left := p.temporary(); len(left) > 0 {
			t.Errorf("%d bytes free: left behind: %v", free, left)
		}
		os.Remove(filler)
	}
	p.run("sync")
	if v := p.whole("a", "a"); v != "2.0.0" {
		t.Errorf("it does not heal: has version %q", v)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// A driver that runs is replaced, and goes on running.
func TestReplaceRunning(t *testing.T) {
	t.Parallel()
	sleep, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Skip(err)
	}
	r := newRig(t)
	r.publishProgram("a", "1.0.0", sleep)
	r.publish("a", "2.0.0")
	p := r.project(t.TempDir())
	p.wants("1.0.0", "a")
	p.run("sync")
	running := exec.Command(p.installed("a"), "600")
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	defer running.Wait()
	defer running.Process.Kill()
	// What a plain copy over it would meet.
	if f, err := os.OpenFile(p.installed("a"), os.O_WRONLY, 0); err == nil {
		f.Close()
		t.Log("here a running file can be written to")
	}
	p.wants("2.0.0", "a")
	p.run("sync")
	if v := p.whole("a", "a"); v != "2.0.0" {
		t.Errorf("has version %q", v)
	}
	if err := running.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("it does not run any more: %v", err)
	}
}

// On a file system that is mounted noexec all is installed as locked, and the host
// can start none of it. Needs the right to mount one.
func TestNoExecHome(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("needs to mount a tmpfs")
	}
	r := newRig(t)
	r.publish("a", "1.0.0")
	p := r.project(t.TempDir())
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "noexec", "tmpfs", p.home).CombinedOutput(); err != nil {
		t.Skipf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", p.home).Run() })
	p.wants("1.0.0", "a")
	p.run("sync")
	out, err := p.command("doctor").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "noexec") {
		t.Errorf("%v\n%s", err, out)
	}
	p.run("sync", "--check")
}
