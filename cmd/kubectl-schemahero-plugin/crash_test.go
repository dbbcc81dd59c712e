//go:build unix

package main

import (
	"errors"
	"flag"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
)

var kills = flag.Int("kills", 40, "how often TestKilled kills a sync")

// crash is a home in which one sync after another is killed.
type crash struct {
	project
	names  []string
	hits   map[string]int // kills by what they waited for
	found  map[string]int // states that kills left behind
	normal time.Duration  // what a sync takes that nobody kills
}

// TestKilled kills the program at random points of a sync, again and again in
// one home: after some time, in the middle of a layer, just after the lock was
// saved, just after a file was placed. Whatever is left behind, the lock parses
// and is all old or all new, every executable that the host could load is whole
// and was verified, and the next sync heals and tidies up.
func TestKilled(t *testing.T) {
	t.Parallel()
	want := *kills
	if testing.Short() {
		want = 4
	}
	r := newRig(t)
	c := &crash{project: r.project(t.TempDir()), names: []string{"a", "b", "c"}, hits: map[string]int{}, found: map[string]int{}}
	for _, n := range c.names {
		r.publish(n, "1.0.0")
		r.publish(n, "2.0.0")
	}
	c.wants("1.0.0", c.names...)
	started := time.Now()
	c.run("sync")
	c.normal = time.Since(started)

	killed := 0
	for i := 0; killed < want; i++ {
		if i == 5*want {
			t.Fatalf("of %d syncs only %d could be killed in time", i, killed)
		}
		target := []string{"2.0.0", "1.0.0"}[i%2]
		if c.round(target) {
			killed++
		}
		if t.Failed() {
			t.Fatalf("in round %d, to version %s", i, target)
		}
	}
	t.Logf("%d syncs killed %v; they left %v; 0 broken", killed, c.hits, c.found)
	if want >= 300 && c.found["lock saved, nothing placed"] == 0 {
		t.Error("none was killed between saving the lock and placing")
	}
}

// round kills one sync to a version, looks, and heals. It reports whether the
// sync was killed before it ended.
func (c *crash) round(target string) bool {
	t := c.r.t
	if rand.IntN(2) == 0 {
		os.RemoveAll(filepath.Join(c.home, "store"))
	}
	missing := rand.IntN(4) == 0
	if missing {
		os.RemoveAll(filepath.Join(c.home, "plugins"))
		os.RemoveAll(filepath.Join(c.home, "receipts"))
	}
	before, err := lockfile.Load(c.lock())
	if err != nil {
		t.Fatal(err)
	}
	c.wants(target, c.names...)
	hit := c.kill()
	c.look(before.Plugins[0].Version, target, missing, hit)

	c.run("sync")
	for _, n := range c.names {
		if v := c.whole(n, n); v != target {
			t.Errorf("healed %s: is %q, not %s", n, v, target)
		}
	}
	if rand.IntN(4) == 0 {
		c.run("verify")
	}
	if left := c.temporary(); len(left) > 0 {
		t.Errorf("after healing there are still %s", strings.Join(left, " "))
	}
	return hit
}

// kill starts a sync, kills it at some point and waits for its end.
func (c *crash) kill() bool {
	t := c.r.t
	cmd := c.command("sync")
	now := make(chan struct{}, 1) // asks for the kill
	ask := func() {
		select {
		case now <- struct{}{}:
		default:
		}
	}
	over, watched := make(chan struct{}), make(chan struct{})
	delay := rand.N(2 * time.Millisecond)
	kind := []string{"after some time", "within a layer", "at the lock", "at a file", "at a receipt"}[rand.IntN(5)]
	until := func() bool { return false }
	switch kind {
	case "after some time":
		delay = rand.N(c.normal)
		ask()
	case "within a layer":
		at := rand.IntN(programSize) / pieceSize * pieceSize
		c.r.watch(func(sent int) {
			if sent == at {
				ask()
			}
		})
		delay = 0
	case "at the lock":
		until = changed(c.lock())
	case "at a file":
		until = changed(c.installed(c.names[rand.IntN(3)]))
	case "at a receipt":
		until = changed(filepath.Join(c.home, "receipts"))
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // the host, which looks at any time
		defer close(watched)
		for {
			select {
			case <-over:
				return
			default:
			}
			if until() {
				ask()
			}
			c.whole(c.names[0], c.names[0]+"-alias")
			runtime.Gosched()
		}
	}()
	go func() {
		select {
		case <-over:
		case <-now:
			for end := time.Now().Add(delay); time.Now().Before(end); {
				runtime.Gosched() // a timer is not that exact
			}
			cmd.Process.Kill()
		}
	}()
	err := cmd.Wait()
	close(over)
	<-watched
	c.r.SetFault(nil)
	var exit *exec.ExitError
	if err == nil {
		return false
	}
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("sync: %v", err)
	}
	c.hits[kind]++
	return true
}

// changed tells from call to call whether a file has become another.
func changed(path string) func() bool {
	before, _ := os.Stat(path)
	return func() bool {
		now, err := os.Stat(path)
		return err == nil && (before == nil || !os.SameFile(before, now) || !before.ModTime().Equal(now.ModTime()))
	}
}

// look holds what is there against what may be there.
func (c *crash) look(from, to string, missing, hit bool) {
	t := c.r.t
	lock, err := lockfile.Load(c.lock())
	if err != nil {
		t.Errorf("the lock: %v", err)
		return
	}
	locked := lock.Plugins[0].Version
	for _, p := range lock.Plugins {
		if p.Version != locked || p.Version != from && p.Version != to {
			t.Errorf("the lock has %s %s beside %s %s", p.Name, p.Version, lock.Plugins[0].Name, locked)
		}
	}
	placed := 0
	for _, n := range append(c.names, c.names[0]+"-alias") {
		plugin, _, _ := strings.Cut(n, "-")
		switch v := c.whole(plugin, n); v {
		case to:
			placed++
		case from, "":
			if v == "" && !missing {
				t.Errorf("%s is gone", n)
			}
		default:
			t.Errorf("%s has version %s", n, v)
		}
	}
	c.lookAtStore()
	switch {
	case !hit:
	case locked == from:
		c.found["lock as it was"]++
	case placed == 0:
		c.found["lock saved, nothing placed"]++
	case placed <= len(c.names):
		c.found["lock saved, some placed"]++
	default:
		c.found["lock saved, all placed"]++
	}
	if placed > 0 && locked == from && from != to {
		t.Errorf("%d files were placed before the lock was saved", placed)
	}
}

// lookAtStore holds every entry against its name: HEX-SIZE, and the layer that is kept
// beside it against the folder's. What else lies there is the note of its stat.
func (c *crash) lookAtStore() {
	filepath.WalkDir(filepath.Join(c.home, "store"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") || d.Name() == "stat" {
			return nil
		}
		data, err := os.ReadFile(path)
		hex, _, _ := strings.Cut(d.Name(), "-")
		if hex == "layer" {
			hex = filepath.Base(filepath.Dir(path))
		}
		if err != nil || sum(data) != "sha256:"+hex {
			c.r.t.Errorf("the store has %s with other bytes: %v", path, err)
		}
		return nil
	})
}
