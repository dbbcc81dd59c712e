//go:build linux

package main

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// On a terminal there is a bar for each driver, and one for all of them below.
func TestProgressBars(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish("a", "1.0.0")
	r.publish("b", "1.0.0")
	r.publish("a", "2.0.0")
	p := r.project(t.TempDir())
	p.wants("1.0.0", "a", "b")
	both := onTerminal(t, p, "sync")
	for _, want := range []string{"a linux/", "b linux/", "total "} {
		if i := strings.LastIndex(both, want); i < 0 || !strings.Contains(both[i:], "[==") {
			t.Errorf("no bar of %q:\n%s", want, both)
		}
	}
	if strings.LastIndex(both, "total ") < strings.LastIndex(both, "b linux/") {
		t.Errorf("the total is not below:\n%s", both)
	}
	p.wants("2.0.0", "a")
	if one := onTerminal(t, p, "sync"); !strings.Contains(one, "a linux/") || strings.Contains(one, "total") {
		t.Errorf("one driver is its own total:\n%s", one)
	}
}

// onTerminal runs the program with its standard error on a terminal, and returns
// what that shows.
func onTerminal(t *testing.T, p project, args ...string) string {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no terminals: ", err)
	}
	defer ours.Close()
	fd := int(ours.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 120})
	}
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("plugin", append([]string{"-C", p.dir, "--home", p.home}, args...)...)
	cmd.Env, cmd.Stderr = append(p.command().Env, "TERM=xterm"), theirs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	// The end of the last process that has it open is an error here.
	shown, _ := io.ReadAll(ours)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, shown)
	}
	return string(shown)
}
