//go:build unix

package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	e := Open(NewHome(t.Home), Options{Fetch: folder(t.Registry)})
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
