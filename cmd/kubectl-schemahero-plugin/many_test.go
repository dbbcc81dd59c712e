//go:build unix

package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
)

var rounds = flag.Int("rounds", 3, "how often each process of TestManyProcesses syncs")

// Sixteen processes sync into one home again and again. Twelve have a project
// each, and no two agree for long which version they want; four share one
// project, whose lock all of them find missing. None fails, each layer is
// fetched once, and whoever looks meanwhile finds whole executables.
func TestManyProcesses(t *testing.T) {
	t.Parallel()
	const processes, sharing = 16, 4
	n := *rounds
	if testing.Short() {
		n = 1
	}
	r := newRig(t)
	names, versions := []string{"a", "b", "c"}, []string{"1.0.0", "2.0.0"}
	for _, name := range names {
		for _, v := range versions {
			r.publish(name, v)
		}
	}
	home := t.TempDir()
	shared := r.project(home)
	shared.wants("1.0.0", names...)

	stop, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, name := range names {
				shared.whole(name, name)
			}
			runtime.Gosched()
		}
	}()
	var wg sync.WaitGroup
	for i := range processes {
		p := shared
		if i >= sharing {
			p = r.project(home)
		}
		wg.Go(func() {
			for round := range n {
				if i >= sharing {
					p.wants(versions[(round+i)%2], names...)
				}
				if out, err := p.command("sync").CombinedOutput(); err != nil {
					t.Errorf("process %d, round %d: %v\n%s", i, round, err, out)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	<-looked

	for _, name := range names {
		for _, v := range versions {
			if got := r.times(name, v); got != 1 {
				t.Errorf("%s %s was fetched %d times", name, v, got)
			}
		}
	}
	if _, err := lockfile.Load(shared.lock()); err != nil {
		t.Error(err)
	}
	shared.run("sync")
	shared.run("verify")
	if left := shared.temporary(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	t.Logf("%d processes x %d rounds, %d layers fetched once each", processes, n, len(names)*len(versions))
}

// A process that is killed while it fetches a layer blocks nobody: the one that
// waits for it, and says so, goes on by itself.
func TestKilledHolder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish("a", "1.0.0")
	first := r.project(t.TempDir())
	second := r.project(first.home)
	first.wants("1.0.0", "a")
	second.wants("1.0.0", "a")
	first.run("lock")
	second.run("lock")

	// The first one's layer stops in the middle, until it is dead.
	reached, dead := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.watch(func(sent int) {
		if sent > 0 {
			once.Do(func() {
				close(reached)
				<-dead
			})
		}
	})
	holder := first.command("sync")
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	waiter := second.command("sync")
	said, err := waiter.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := waiter.Start(); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("waiting for process %d", holder.Process.Pid)
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.Contains(lines.Text(), want) {
	}
	if !strings.Contains(lines.Text(), want) {
		t.Errorf("the waiter does not say %q", want)
	}
	holder.Process.Kill()
	holder.Wait()
	started := time.Now()
	close(dead)
	rest, _ := io.ReadAll(said)
	if err := waiter.Wait(); err != nil {
		t.Errorf("the waiter: %v\n%s", err, rest)
	}
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("it went on only after %s", took)
	}
	if v := second.whole("a", "a"); v != "1.0.0" {
		t.Errorf("has version %q", v)
	}
	second.run("sync") // the dead one's half layer is for the next to remove
	if left := second.temporary(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
