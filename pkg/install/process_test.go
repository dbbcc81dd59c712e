//go:build unix

package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

const childEnv = "INSTALL_TEST_CHILD"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		if err := child(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// task is what a process of its own does: it syncs Rounds times, each round
// another of Sets.
type task struct {
	Home, Registry string
	Sets           [][]Item
	Claim          Claim
	Rounds         int
	KillAt         int  // kill oneself before the nth change of the disk
	Tell           bool // write a byte to stdout for each change of the disk
	Peak           bool // write the most memory that was used, in bytes
	Hold           bool // take the home's lock, say so, and keep it until killed
}

func child(spec string) error {
	var t task
	if err := json.Unmarshal([]byte(spec), &t); err != nil {
		return err
	}
	e := Open(NewHome(t.Home), Options{Fetch: folder(t.Registry), Link: true})
	if t.Hold {
		if _, err := e.Lock(context.Background()); err != nil {
			return err
		}
		fmt.Println("held")
		io.Copy(io.Discard, os.Stdin)
		return nil
	}
	n := 0
	var mu sync.Mutex
	e.disk.Fault = func(disk.Op, string) error {
		mu.Lock()
		defer mu.Unlock()
		if n++; n == t.KillAt {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		if t.Tell {
			os.Stdout.Write([]byte{'.'})
		}
		return nil
	}
	e.store.d = e.disk
	for round := range t.Rounds {
		_, err := runSync(context.Background(), e, t.Sets[round%len(t.Sets)], PlaceOptions{Claim: t.Claim})
		if err != nil {
			return err
		}
	}
	if t.Peak {
		n, err := peak()
		fmt.Println(n)
		return err
	}
	return nil
}

// folder is a Fetcher over files named by digest, which notes what was fetched.
type folder string

func (f folder) Fetch(_ context.Context, l Layer) (io.ReadCloser, error) {
	log, err := os.OpenFile(filepath.Join(string(f), "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(log, l.Digest)
	log.Close()
	return os.Open(filepath.Join(string(f), l.Digest.Encoded()))
}

// spread writes the registry to files, for other processes.
func (w *world) spread() string {
	w.t.Helper()
	dir := filepath.Join(filepath.Dir(w.dir), "registry")
	for d, data := range w.reg.layers {
		write(w.t, filepath.Join(dir, d.Encoded()), string(data))
	}
	return dir
}

func (t task) command(tb testing.TB) *exec.Cmd {
	tb.Helper()
	spec, err := json.Marshal(t)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(spec))
	return cmd
}

// big is a version whose executable takes a few writes.
func (w *world) big(name, version string) Item {
	w.t.Helper()
	it := w.publish(name, version)
	data, ok := archives.Load(name + version)
	if !ok {
		data = targz(w.t, "schemahero-"+name, bigContent(name, version))
		archives.Store(name+version, data)
	}
	w.pack(&it, data.([]byte))
	return it
}

var archives sync.Map // of big drivers, by name and version

func bigContent(name, version string) string { return strings.Repeat(content(name, version), 20<<10) }

// whole fails the test unless the item's file is one of the versions, from the
// first byte to the last; missing says whether it may be missing.
func whole(t *testing.T, it Item, missing bool, versions ...string) {
	t.Helper()
	data, err := os.ReadFile(it.Path)
	if errors.Is(err, os.ErrNotExist) && missing {
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	for _, v := range versions {
		if string(data) == bigContent(it.Plugin, v) {
			return
		}
	}
	t.Errorf("%s: holds %d bytes of no version", it.Path, len(data))
}

// killed runs a task that ends by SIGKILL, looks at what it left behind, and
// heals. It returns false if the task ended well.
func killed(t *testing.T, w *world, run func(task) error, missing bool) bool {
	v1 := []Item{w.big("a", "1.0.0"), w.big("b", "1.0.0")}
	v2 := []Item{w.big("a", "2.0.0"), w.big("b", "2.0.0"), w.big("c", "2.0.0")}
	e := Open(w.home(), Options{Fetch: w.reg, Link: true})
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
		if got := len(claimsOf(t, w.installer(), it.Path)); got != processes {
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
