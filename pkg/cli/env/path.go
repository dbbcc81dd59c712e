package env

import (
	"os"
	"path/filepath"
	"runtime"
)

// OnPath is the first program of this file name on the PATH; "" for none.
func (e *Env) OnPath(name string) string {
	for _, d := range filepath.SplitList(e.Getenv("PATH")) {
		if path := filepath.Join(d, name); d != "" && IsProgram(path) {
			return path
		}
	}
	return ""
}

// IsProgram reports whether a file can be started.
func IsProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0)
}

// Exe is a program's file name on this system.
func Exe(name string) string { return exeOn(runtime.GOOS, name) }

func exeOn(goos, name string) string {
	if goos == "windows" {
		return name + ".exe"
	}
	return name
}
