//go:build unix

package probe

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// holdLock is the grandchild: it locks the file beside it, says so, and stays.
func holdLock() {
	f, err := os.Create(filepath.Join(filepath.Dir(os.Args[0]), "lock"))
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("locked")
	select {}
}

// What a driver started ends with it: the lock that its child held is free.
func TestIdentifyEndsTheWholeGroup(t *testing.T) {
	path := fakeDriver(t, "family")
	if _, err := Identify(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), "lock"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal("the driver started no child: ", err)
	}
	defer f.Close()
	free := make(chan error, 1)
	go func() { free <- syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }()
	select {
	case err := <-free:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the driver's child still runs")
	}
}
