//go:build unix

package install

import (
	"errors"
	"io"
	"math/rand/v2"
	"os/exec"
	"syscall"
	"testing"
)

// killed runs a task that ends by SIGKILL, looks at what it left behind, and
// heals. It returns false where the task ended well.
func killed(t *testing.T, w *world, run func(task) error, missing bool) bool {
	v1 := []Item{w.big("a", "1.0.0"), w.big("b", "1.0.0")}
	v2 := []Item{w.big("a", "2.0.0"), w.big("b", "2.0.0"), w.big("c", "2.0.0")}
	e := Open(w.home(), Options{Fetch: w.reg})
	if !missing {
		if _, err := runSync(t.Context(), e, v1, PlaceOptions{Claim: "/x.lock"}); err != nil {
			t.Fatal(err)
		}
	}
	err := run(task{Home: w.dir, Registry: w.spread(), Rounds: 1, Sets: [][]Item{v2}, Claim: "/x.lock"})
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
		t.Fatal(err)
	}
	for i, it := range v2 {
		whole(t, it, missing || i == 2, "1.0.0", "2.0.0")
	}
	if _, err := runSync(t.Context(), e, v2, PlaceOptions{Claim: "/x.lock"}); err != nil {
		t.Errorf("it does not heal: %v", err)
	}
	e.Sweep(w.home().Plugins())
	all, err2 := e.Verify(t.Context(), v2)
	if err2 != nil {
		t.Fatal(err2)
	}
	for _, s := range all {
		whole(t, s.Item, false, "2.0.0")
		if !s.Settled("/x.lock") {
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
	w.tidy()
	return err != nil
}

// A sync is killed before changes that it makes to the disk: before each with
// -every, otherwise before some of them, others each time.
func TestKilledAtChange(t *testing.T) {
	step := 5
	if *every {
		step = 1
	}
	for _, missing := range []bool{false, true} {
		for at := 1 + rand.IntN(step); ; at += step {
			w := newWorld(t)
			hit := killed(t, w, func(k task) error {
				k.KillAt = at
				return k.command(t).Run()
			}, missing)
			if t.Failed() {
				t.Fatalf("at change %d", at)
			}
			if !hit {
				if at < 20 {
					t.Errorf("only %d changes were seen", at-1)
				}
				break
			}
		}
	}
}

// A sync is killed from outside, some time after some change.
func TestKilledAnywhere(t *testing.T) {
	hits := 0
	for i := range 30 {
		killed := killed(t, newWorld(t), func(k task) error {
			k.Tell = true
			cmd := k.command(t)
			out, err := cmd.StdoutPipe()
			if err != nil {
				return err
			}
			if err := cmd.Start(); err != nil {
				return err
			}
			io.CopyN(io.Discard, out, 1+rand.Int64N(60))
			cmd.Process.Kill()
			return cmd.Wait()
		}, i%2 == 0)
		if killed {
			hits++
		}
	}
	if hits == 0 {
		t.Error("none was killed in time")
	}
}
