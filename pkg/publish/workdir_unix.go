//go:build unix

package publish

import (
	"errors"
	"os"
	"path/filepath"

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
	left, _ := filepath.Glob(filepath.Join(dist, workdirPattern))
	for _, l := range left {
		if f, err := os.Open(l); err == nil {
			if flock(f, unix.LOCK_EX|unix.LOCK_NB) == nil {
				os.RemoveAll(l)
			}
			f.Close()
		}
	}
	if dir, err = os.MkdirTemp(dist, workdirPattern); err != nil {
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

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
