package disk

import (
	"context"
	"os"
	"strconv"
	"strings"
)

// Lock is a lock between processes, on a file or a folder. It ends with the
// process that holds it, however that ends.
type Lock struct{ file *os.File }

// Lock takes the lock on the file path, whose folder must exist. If another
// holds it, wait is called once with the holder's process id (0 if it is not
// known), and then Lock waits until ctx is done. On a file system without locks
// it does without one, and calls d.NoLocks.
func (d Disk) Lock(ctx context.Context, path string, wait func(pid int)) (*Lock, error) {
	for waited := false; ; {
		f, err := d.openLock(path)
		if err != nil {
			return nil, err
		}
		ok, err := d.try(f, path)
		if err != nil {
			return nil, err
		}
		if !ok {
			if wait != nil && !waited {
				waited = true
				wait(holder(f))
			}
			if err := waitFor(ctx, f); err != nil {
				return nil, err
			}
		}
		if l := confirm(f, path); l != nil {
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
		ok, err := d.try(f, path)
		if err != nil {
			return nil, err
		}
		if !ok {
			f.Close()
			return nil, nil
		}
		if l := confirm(f, path); l != nil {
			return l, nil
		}
	}
}

// LockFolder is Lock on a folder itself, which leaves no file in it. On Windows
// it does nothing.
func (d Disk) LockFolder(ctx context.Context, dir string, wait func()) (*Lock, error) {
	f, err := openFolder(dir)
	if f == nil || err != nil {
		return &Lock{}, Explain(dir, err)
	}
	ok, err := d.try(f, dir)
	if err != nil {
		return nil, err
	}
	if !ok {
		if wait != nil {
			wait()
		}
		if err := waitFor(ctx, f); err != nil {
			return nil, err
		}
	}
	return &Lock{f}, nil
}

// try takes the lock on f unless another has it. It closes f on an error.
func (d Disk) try(f *os.File, path string) (bool, error) {
	err := d.check(Flock, path)
	ok := false
	if err == nil {
		ok, err = tryLock(f)
	}
	switch {
	case err == nil:
		return ok, nil
	case noLocks(err):
		if d.NoLocks != nil {
			d.NoLocks(path)
		}
		return true, nil
	}
	f.Close()
	return false, pathError("lock", path, err)
}

// openLock opens a lock's file. What another user made, and this one may only
// read, can be locked too.
func (d Disk) openLock(path string) (*os.File, error) {
	if err := d.check(Create, path); err != nil {
		return nil, err
	}
	f, err := create(path, 0)
	if os.IsPermission(err) {
		if f, e := os.Open(path); e == nil {
			return f, nil
		}
	}
	if err != nil {
		return nil, Explain(path, err)
	}
	return f, nil
}

// confirm completes the taking of a lock: nil if the file was removed by its
// last holder, so that another file has the name by now.
func confirm(f *os.File, path string) *Lock {
	if !isAt(f, path) {
		f.Close()
		return nil
	}
	// Only for others to read; a full disk must not stop the lock.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &Lock{f}
}

// waitFor blocks until f is locked, and closes f if that fails. When ctx ends
// first, f is closed as soon as the system lets go of it.
func waitFor(ctx context.Context, f *os.File) error {
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

// Unlock gives the lock up. It may be called more than once.
func (l *Lock) Unlock() error {
	if l.file == nil {
		return nil
	}
	_ = l.file.Truncate(0) // a folder has no size, another's file stays as it is
	err := l.file.Close()
	l.file = nil
	return err
}

// UnlockAndRemove gives the lock up and removes its file, for locks on things
// that come and go. Whoever waits for it then locks a new file.
func (l *Lock) UnlockAndRemove() {
	if l.file == nil {
		return
	}
	removeLock(l.file)
	l.file = nil
}
