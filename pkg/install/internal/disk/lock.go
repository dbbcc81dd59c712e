package disk

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
)

// Lock is a lock between processes, on a file. It ends with the process that
// holds it, however that ends.
type Lock struct{ file *os.File }

// Lock takes the lock on the file path, whose folder must exist. If another
// holds it, wait is called once with the holder's process id (0 where it
// cannot be told), and then Lock waits until ctx is done.
func (d Disk) Lock(ctx context.Context, path string, wait func(pid int)) (*Lock, error) {
	for waited := false; ; {
		f, err := d.openLock(path)
		if err != nil {
			return nil, err
		}
		ok, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, pathError("lock", path, err)
		}
		if !ok {
			if wait != nil && !waited {
				waited = true
				wait(holder(f))
			}
			if err := await(ctx, f); err != nil {
				return nil, err
			}
		}
		if l := own(f, path); l != nil {
			return l, nil
		}
	}
}

// TryLock takes the lock if no other holds it, and otherwise returns nil.
func (d Disk) TryLock(path string) (*Lock, error) {
	for {
		f, err := d.openLock(path)
		if err != nil {
			return nil, err
		}
		ok, err := tryLock(f)
		if err != nil || !ok {
			f.Close()
			if err != nil {
				err = pathError("lock", path, err)
			}
			return nil, err
		}
		if l := own(f, path); l != nil {
			return l, nil
		}
	}
}

func (d Disk) openLock(path string) (*os.File, error) {
	if err := d.check(Create, path); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
}

// own completes the taking of a lock: nil where the file was removed by its
// last holder, so that another file bears the name by now.
func own(f *os.File, path string) *Lock {
	if !same(f, path) {
		f.Close()
		return nil
	}
	// Only for others to read; a full disk must not stop the lock.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &Lock{f}
}

// await blocks until f is locked, and closes f where that fails. When ctx ends
// first, f is closed as soon as the system lets go of it.
func await(ctx context.Context, f *os.File) error {
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = lock(f)
	}()
	select {
	case <-done:
		if err != nil {
			err = pathError("lock", f.Name(), err)
			f.Close()
		}
		return err
	case <-ctx.Done():
		go func() {
			<-done
			f.Close()
		}()
		return ctx.Err()
	}
}

// holder reads whose lock it is.
func holder(f *os.File) int {
	var b [20]byte
	n, _ := f.ReadAt(b[:], 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return pid
}

// Unlock gives the lock up.
func (l *Lock) Unlock() error {
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Truncate(0), l.file.Close())
	l.file = nil
	return err
}

// Finish gives the lock up and removes its file, for locks on things that
// come and go. Whoever waits for it then locks a new file.
func (l *Lock) Finish() {
	if l.file == nil {
		return
	}
	os.Remove(l.file.Name())
	l.file.Close()
	l.file = nil
}
