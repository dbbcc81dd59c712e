package install

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// faults refuses the changes of a disk from the nth on.
type faults struct {
	mu    sync.Mutex
	n     int // changes so far
	at    int // the first that fails; 0: none
	until int // the first that does not any more
	only  string
	err   error
	hit   string
}

func (f *faults) fault(op disk.Op, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.only != "" && !strings.Contains(f.only, string(op)) || isNote(path) {
		return nil
	}
	f.n++
	if f.at == 0 || f.n < f.at || f.n >= f.until {
		return nil
	}
	if f.hit == "" {
		f.hit = string(op) + " " + filepath.Base(filepath.Dir(path))
	}
	return f.err
}

// isNote reports whether a change is to what the store notes of an entry, without
// which everything works, only slower.
func isNote(path string) bool {
	return filepath.Base(path) == statName || strings.HasPrefix(filepath.Base(path), "."+statName+".")
}

func TestNoteIsNotNeeded(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	e := w.withFaults(&faults{})
	refused := 0
	e.store.d.Fault = func(_ disk.Op, path string) error {
		if isNote(path) {
			refused++
			return syscall.ENOSPC
		}
		return nil
	}
	for range 2 {
		if _, err := runSync(t.Context(), e, []Item{it}, PlaceOptions{Again: true}); err != nil {
			t.Error(err)
		}
		w.holds(it, "1.0.0")
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
	w.tidy()
}

// withFaults returns an installer whose changes come in one order.
func (w *world) withFaults(f *faults) *Installer {
	e := Open(w.home(), Options{Fetch: w.reg, Link: !w.copy})
	e.limit = 1
	e.disk.Fault = f.fault
	e.store.d = e.disk
	return e
}

// Changes that a sync makes to the disk are refused, alone or with all that
// follow: each with -every, otherwise one in three, others each time. Each time the sync must fail as a whole, with the system's
// reason, and leave the drivers as they were; and the next must heal. Only a
// disk that refuses everything from some rename on keeps what it has by then:
// whole files, old or new.
func TestFaults(t *testing.T) {
	for _, mode := range []struct {
		title string
		only  string
		err   error
		lasts bool
		stuck bool // putting back may fail too
	}{
		{"broken once", "", syscall.EIO, false, false},
		{"broken for good", "", syscall.EIO, true, true},
		{"read-only", "", syscall.EROFS, true, true},
		{"full", "create mkdir write copy", syscall.ENOSPC, true, false},
		{"rename refused", "rename", syscall.EPERM, false, false},
	} {
		t.Run(mode.title, func(t *testing.T) {
			t.Parallel()
			step := 3
			if testing.Short() {
				step = 15
			}
			if *every {
				step = 1
			}
			for at := 1 + rand.IntN(step); ; at += step {
				f := &faults{at: at, until: at + 1, only: mode.only, err: mode.err}
				if mode.lasts {
					f.until = 1 << 30
				}
				if !oneFault(t, f, mode.stuck) {
					if at < 5 {
						t.Errorf("only %d changes were seen", at-1)
					}
					return
				}
			}
		})
	}
}

// oneFault syncs with a fault, and returns false if it was not reached.
func oneFault(t *testing.T, f *faults, stuck bool) bool {
	w := newWorld(t)
	replaced, repaired := w.publish("replaced", "1.0.0"), w.publish("repaired", "1.0.0")
	forced, adopted := w.publish("forced", "1.0.0"), stated(w.publish("adopted", "1.0.0"))
	w.sync("/a.lock", replaced, repaired)
	write(t, repaired.Path, "tampered")
	write(t, forced.Path, "by hand")
	write(t, adopted.Path, content("adopted", "1.0.0"))
	newer, added := w.publish("replaced", "2.0.0"), w.publish("added", "1.0.0")
	items := []Item{added, newer, repaired, forced, adopted}
	o := PlaceOptions{Claim: "/b.lock", Force: true, Keep: func(Receipt) bool { return false }}

	_, err := runSync(t.Context(), w.withFaults(f), items, o)
	if f.hit == "" {
		if err != nil {
			t.Fatalf("without a fault: %v", err)
		}
		return false
	}
	if !errors.Is(err, f.err) {
		t.Errorf("%s: got %v", f.hit, err)
	}
	for it, want := range map[Item]string{
		replaced: content("replaced", "1.0.0"), repaired: "tampered", forced: "by hand", adopted: content("adopted", "1.0.0"), added: "",
	} {
		data, err := os.ReadFile(it.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		whole := string(data) == content(it.Plugin, "1.0.0") || string(data) == content(it.Plugin, "2.0.0")
		if string(data) != want && !(stuck && whole) {
			t.Errorf("%s: %s holds %q", f.hit, it.Path, data)
		}
	}
	if got := w.states(w.installer(), replaced); !strings.HasPrefix(got, "replaced:ok") && !stuck {
		t.Errorf("%s: %s", f.hit, got)
	}
	if _, err := runSync(t.Context(), w.installer(), items, o); err != nil {
		t.Errorf("%s: the next sync: %v", f.hit, err)
	}
	for _, it := range items {
		w.holds(it, it.Version)
	}
	w.tidy()
	if t.Failed() {
		t.FailNow()
	}
	return true
}

func TestReadOnlyFolderIsSeenBeforeFetching(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	e := Open(w.home(), Options{Fetch: w.reg})
	e.disk.Fault = func(op disk.Op, path string) error { return syscall.EROFS }
	_, err := runSync(t.Context(), e, []Item{it}, PlaceOptions{})
	var folder *FolderError
	if !errors.As(err, &folder) || !errors.Is(err, syscall.EROFS) || w.reg.fetches() != 0 {
		t.Errorf("%d fetches, %v", w.reg.fetches(), err)
	}
	if want := "cannot be written to: read-only file system"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want %q", err, want)
	}

	e = w.installer()
	it.Path = filepath.Join(w.home().Dir(), "file", "schemahero-postgres")
	write(t, filepath.Dir(it.Path), "a file where the folder should be")
	if _, err = runSync(t.Context(), e, []Item{it}, PlaceOptions{}); !errors.As(err, &folder) || w.reg.fetches() != 0 {
		t.Errorf("%d fetches, %v", w.reg.fetches(), err)
	}
}

func TestNoRoomIsSeenBeforeFetching(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	os.MkdirAll(w.home().Dir(), 0o755)
	if _, _, ok := disk.Free(w.home().Store()); !ok {
		t.Skip("this system does not tell")
	}
	it.Layer.Size = 1 << 60
	_, err := runSync(t.Context(), w.installer(), []Item{it}, PlaceOptions{})
	var space *SpaceError
	if !errors.As(err, &space) || space.Need < 1<<60 || w.reg.fetches() != 0 {
		t.Errorf("%d fetches, %v", w.reg.fetches(), err)
	}
}

func TestAllOrNothing(t *testing.T) {
	w := newWorld(t)
	a, b := w.publish("a", "1.0.0"), w.publish("b", "1.0.0")
	w.sync("", a, b)
	a2, b2, c2 := w.publish("a", "2.0.0"), w.publish("b", "2.0.0"), w.publish("c", "2.0.0")
	delete(w.reg.layers, b2.Layer.Digest)

	if _, err := runSync(t.Context(), w.installer(), []Item{a2, b2, c2}, PlaceOptions{}); err == nil {
		t.Error("a layer is missing, and nothing was said")
	}
	w.holds(a, "1.0.0")
	w.holds(b, "1.0.0")
	if _, err := os.Lstat(c2.Path); err == nil {
		t.Error("c was installed")
	}

	r, err := runSync(t.Context(), w.installer(), []Item{a2, b2, c2}, PlaceOptions{KeepGoing: true})
	var unstaged *UnstagedError
	if f := Failures(err); len(f) != 1 || f[0].Item.Name != "b" || !errors.As(err, &unstaged) {
		t.Errorf("got %v", err)
	}
	if got := actions(r); got != "a:replaced c:installed" {
		t.Error(got)
	}
	w.holds(a2, "2.0.0")
	w.holds(b, "1.0.0")
	w.holds(c2, "2.0.0")
	w.tidy()
}
