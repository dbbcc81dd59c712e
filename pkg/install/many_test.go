//go:build unix

package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

func TestManyProcesses(t *testing.T) {
	const processes, rounds = 16, 4
	w := newWorld(t)
	names := []string{"a", "b", "c"}
	var v1, v2 []Item
	for _, n := range names {
		v1 = append(v1, w.big(n, "1.0.0"))
		v2 = append(v2, w.big(n, "2.0.0"))
	}
	registry := w.spread()

	// Whoever looks at a driver meanwhile finds a whole one.
	stop, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		for {
			select {
			case <-stop:
				return
			default:
				for _, it := range v1 {
					whole(t, it, true, "1.0.0", "2.0.0")
				}
			}
		}
	}()
	var wg sync.WaitGroup
	for i := range processes {
		cmd := task{
			Home: w.dir, Registry: registry, Rounds: rounds, Sets: [][]Item{v1, v2},
			Claim: Claim(fmt.Sprintf("/project%d/x.lock", i)),
		}.command(t)
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	close(stop)
	<-looked

	log, _ := os.ReadFile(filepath.Join(registry, "log"))
	if n := bytes.Count(log, []byte("\n")); n != 6 {
		t.Errorf("%d fetches of 6 layers", n)
	}
	for _, it := range v2 {
		whole(t, it, false, "1.0.0", "2.0.0")
		if got := len(claimsOf(t, w.engine(), it.Path)); got != processes {
			t.Errorf("%s: %d claims of %d processes", it.Name, got, processes)
		}
	}
	w.tidy()
}

// A waiter says whom it waits for, and gets the lock when that one is killed.
func TestWaitForKilledHolder(t *testing.T) {
	w := newWorld(t)
	cmd := task{Home: w.dir, Hold: true}.command(t)
	stdin, _ := cmd.StdinPipe()
	defer stdin.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	waits := make(chan Event, 1)
	e := Open(w.home(), Options{Events: func(ev Event) { waits <- ev }})

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := e.Lock(ctx)
		done <- err
	}()
	if ev := <-waits; ev.Kind != EventWait || ev.PID != cmd.Process.Pid || ev.Subject != w.dir {
		t.Errorf("%+v", ev)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}

	go func() {
		hold, err := e.Lock(t.Context())
		if err == nil {
			err = hold.Unlock()
		}
		done <- err
	}()
	<-waits
	cmd.Process.Kill()
	if err := <-done; err != nil {
		t.Error(err)
	}
	cmd.Wait()
}

// What runs is replaced by a rename, which leaves it running.
func TestReplaceRunning(t *testing.T) {
	w := newWorld(t)
	self, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Skip(err)
	}
	it := w.publish("postgres", "1.0.0")
	w.pack(&it, targz(t, "schemahero-postgres", string(self)))
	w.sync("", it)
	cmd := exec.Command(it.Path, "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	newer := w.publish("postgres", "2.0.0")
	w.sync("", newer)
	w.holds(newer, "2.0.0")
	if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("it does not run any more: %v", err)
	}
}
