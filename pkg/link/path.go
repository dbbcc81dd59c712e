package link

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// Find returns the first program of this name in the folders of a PATH; "" for none.
func Find(path, name string) string {
	for _, d := range filepath.SplitList(path) {
		if program := filepath.Join(d, Exe(name)); d != "" && isProgram(program) {
			return program
		}
	}
	return ""
}

// Before returns what stands in the way of kubectl finding the links in a PATH:
// found is false where their folder is not in it. first is another program of the
// name in a folder that comes before; "" if there is none.
func (f Folder) Before(path, main string) (found bool, first string) {
	for _, d := range filepath.SplitList(path) {
		if d == "" {
			continue
		}
		if samePath(d, f.Dir) || disk.SameFile(d, f.Dir) {
			return true, ""
		}
		if other := filepath.Join(d, Exe(Names()[0])); isProgram(other) && !disk.SameFile(other, main) {
			return true, other
		}
	}
	return false, ""
}

func isProgram(path string) bool {
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

// samePath reports whether two names stand for one directory entry. The last
// element may be a link or missing; the folders before it are resolved.
func samePath(x, y string) bool { return entryOf(x) == entryOf(y) }

func entryOf(path string) string {
	path = filepath.Clean(path)
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		dir = filepath.Dir(path)
	}
	path = filepath.Join(dir, filepath.Base(path))
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return strings.ToLower(path) // file names differ by more than case there
	}
	return path
}
