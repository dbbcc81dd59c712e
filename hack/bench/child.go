package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// use is what one run of a program took.
type use struct {
	Wall, CPU time.Duration
	Memory    int64 // at its peak, bytes
	Faults    int64 // pages that it touched first and that were not read from the disk
}

// launch runs a program and writes what it took as JSON. It stands between
// because Linux counts into a program's peak what the process that started it
// had: the benchmark itself has much, this one next to nothing.
//
//	launch OUT PROGRAM ARGUMENT...
func launch(args []string) error {
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	started := time.Now()
	if err := cmd.Run(); err != nil {
		return err
	}
	u := use{Wall: time.Since(started), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.Memory = int64(r.Maxrss) << 10 // Linux counts KiB
		u.Faults = int64(r.Minflt)
	}
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], data, 0o644)
}

// await says that it waits, and becomes a program when its standard input ends.
//
//	await PROGRAM ARGUMENT...
func await(args []string) error {
	if _, err := os.Stdout.Write([]byte{'.'}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return syscall.Exec(args[0], args, os.Environ())
}

// measure runs a program under launch. What it says is shown where it fails.
func (b *bench) measure(env []string, args ...string) (use, error) {
	self, err := os.Executable()
	if err != nil {
		return use{}, err
	}
	out := b.path("use.json")
	cmd := exec.Command(self, append([]string{"launch", out}, args...)...)
	cmd.Dir = b.path("")
	cmd.Env = append(b.env, env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return use{}, fmt.Errorf("%v: %w\n%s", args, err, said.Bytes())
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return use{}, err
	}
	var u use
	return u, errors.Join(json.Unmarshal(data, &u), os.Remove(out))
}
