package install

// executableBits: a file's name tells whether it can be started, not its mode.
const executableBits = false
