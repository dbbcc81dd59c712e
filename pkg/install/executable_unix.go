//go:build !windows

package install

// executableBits: a file's mode reports whether it can be started.
const executableBits = true
