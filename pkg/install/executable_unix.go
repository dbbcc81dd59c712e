//go:build !windows

package install

// executableBits: a file's mode tells whether it can be started.
const executableBits = true
