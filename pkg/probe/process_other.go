//go:build unix && !linux

package probe

import "syscall"

// attributes puts the driver into a group of its own.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
