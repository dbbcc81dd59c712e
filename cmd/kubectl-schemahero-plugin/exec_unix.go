//go:build unix

package main

import "syscall"

// replace makes this process another program: there is nobody in between for
// signals, job control and exit code to get lost at.
func replace(path string, args, env []string) error { return syscall.Exec(path, args, env) }
