package probe

import "syscall"

// attributes puts the driver into a group of its own and ends it with this
// process, however that ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
