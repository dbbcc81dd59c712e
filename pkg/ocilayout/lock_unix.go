//go:build unix

package ocilayout

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFolder lets one process at a time write a folder. The lock is on the folder
// itself, so that it leaves no file to be committed, and ends with its process.
// Where another holds it, wait is called before it is waited for. A file system
// that knows no locks is done without.
func lockFolder(ctx context.Context, dir string, wait func()) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = flock(f, unix.LOCK_EX|unix.LOCK_NB)
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return func() { f.Close() }, nil
	}
	wait()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = flock(f, unix.LOCK_EX)
	}()
	select {
	case <-done:
		return func() { f.Close() }, nil
	case <-ctx.Done():
		go func() {
			<-done
			f.Close()
		}()
		return nil, ctx.Err()
	}
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
