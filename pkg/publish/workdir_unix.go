//go:build unix

package publish

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// workdir makes a folder in dist for one build, and removes those of builds that
// were killed: a lock on the folder ends with its process. A file system that
// knows no locks keeps them.
func workdir(dist string) (dir string, done func(), err error) {
	// Nobody looks at a folder between its making and its lock.
	whole, err := os.Open(dist)
	if err != nil {
		return "", nil, err
	}
	defer whole.Close()
	_ = flock(whole, unix.LOCK_EX)
	left, err := os.ReadDir(dist)
	if err != nil {
		return "", nil, err
	}
	for _, l := range left {
		if !isWorkdir(l) {
			continue
		}
		path := filepath.Join(dist, l.Name())
		if f, err := os.Open(path); err == nil {
			if flock(f, unix.LOCK_EX|unix.LOCK_NB) == nil {
				os.RemoveAll(path)
			}
			f.Close()
		}
	}
	if dir, err = os.MkdirTemp(dist, workdirPrefix); err != nil {
		return "", nil, err
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, errors.Join(err, os.Remove(dir))
	}
	_ = flock(f, unix.LOCK_EX)
	return dir, func() {
		os.RemoveAll(dir)
		f.Close()
	}, nil
}

// isWorkdir tells a folder of a build's by its name from what a person put there.
func isWorkdir(e fs.DirEntry) bool {
	random, ok := strings.CutPrefix(e.Name(), workdirPrefix)
	return ok && e.IsDir() && random != "" && strings.Trim(random, "0123456789") == ""
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
