//go:build unix

package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l")
	var d Disk
	held, err := d.TryLock(path)
	if err != nil || held == nil {
		t.Fatal(err)
	}
	if l, err := d.TryLock(path); l != nil || err != nil {
		t.Errorf("taken twice: %v, %v", l, err)
	}
	for _, finish := range []bool{false, true} {
		waits := make(chan int, 1)
		got := make(chan *Lock)
		go func() {
			l, err := d.Lock(t.Context(), path, func(pid int) { waits <- pid })
			if err != nil {
				t.Error(err)
			}
			got <- l
		}()
		if pid := <-waits; pid != os.Getpid() {
			t.Errorf("waiting for %d", pid)
		}
		if finish {
			held.UnlockAndRemove() // the waiter has another file's lock then, and must see it
		} else if err := held.Unlock(); err != nil {
			t.Error(err)
		}
		held = <-got
		if l, err := d.TryLock(path); l != nil || err != nil {
			t.Errorf("taken twice: %v, %v", l, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = d.Lock(ctx, path, func(int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(held.Unlock(), held.Unlock()); err != nil {
		t.Error(err)
	}
	held.UnlockAndRemove()
	if _, err := d.TryLock(filepath.Join(path, "below a file")); err == nil {
		t.Error("a lock was taken where no file can be")
	}
}

func TestLockFolder(t *testing.T) {
	dir := t.TempDir()
	var d Disk
	held, err := d.LockFolder(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := d.LockFolder(ctx, dir, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	waits, got := make(chan bool), make(chan error)
	go func() {
		l, err := d.LockFolder(t.Context(), dir, func() { close(waits) })
		if err == nil {
			err = l.Unlock()
		}
		got <- err
	}()
	<-waits
	if err := errors.Join(held.Unlock(), <-got); err != nil {
		t.Error(err)
	}
	if _, err := d.LockFolder(t.Context(), filepath.Join(dir, "none"), nil); err == nil {
		t.Error("a folder was locked that does not exist")
	}
	only(t, dir)
}

// A file system without locks is worked on without, and somebody is told.
func TestNoLocks(t *testing.T) {
	for _, missing := range []error{syscall.ENOLCK, syscall.EOPNOTSUPP, syscall.ENOTSUP, syscall.ENOSYS, syscall.EINVAL, syscall.EPERM} {
		dir := t.TempDir()
		var told []string
		d := Disk{
			NoLocks: func(path string) { told = append(told, path) },
			Fault: func(op Op, _ string) error {
				if op == Flock {
					return missing
				}
				return nil
			},
		}
		path := filepath.Join(dir, "l")
		for range 2 {
			l, err := d.Lock(t.Context(), path, nil)
			if err != nil {
				t.Fatalf("%v: %v", missing, err)
			}
			defer l.Unlock()
		}
		if l, err := d.TryLock(path); l == nil || err != nil {
			t.Errorf("%v: %v", missing, err)
		}
		if _, err := d.LockFolder(t.Context(), dir, nil); err != nil || len(told) != 4 || told[0] != path || told[3] != dir {
			t.Errorf("%v: %v, told of %q", missing, err, told)
		}
	}
	broken := Disk{Fault: func(op Op, _ string) error {
		if op == Flock {
			return syscall.EIO
		}
		return nil
	}}
	if _, err := broken.Lock(t.Context(), filepath.Join(t.TempDir(), "l"), nil); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
}

// Another user of the home made the lock's file, and this one may only read it.
func TestLockByReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l")
	write(t, path, "")
	var d Disk
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	l := confirm(f, path)
	if ok, err := tryLock(f); !ok || err != nil {
		t.Fatal(err)
	}
	if other, err := d.TryLock(path); other != nil || err != nil {
		t.Errorf("taken twice: %v, %v", other, err)
	}
	if err := l.Unlock(); err != nil {
		t.Error(err)
	}
}
