//go:build unix

package peers

import (
	"os/exec"
	"syscall"
)

// ownGroup gives a command a process group, so that it can be ended with all
// that it started.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endGroup ends what a command left running. There may be nothing.
func endGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
