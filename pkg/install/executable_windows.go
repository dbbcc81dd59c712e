package install

// executableBits: a file's name reports whether it can be started, not its mode.
const executableBits = false
