//go:build unix

package disk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
