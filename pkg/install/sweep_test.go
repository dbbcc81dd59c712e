package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// What dead processes left is removed, and told, wherever a sync writes; what
// only looks alike stays.
func TestSweep(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	dead := []string{
		filepath.Join(w.home().Store(), ".0123456789ab.1-00000000.tmp"),
		filepath.Join(w.home().Plugins(), ".schemahero-postgres.1-00000000.tmp"),
		filepath.Join(w.home().Receipts(), ".x.json.1-00000000.tmp"),
	}
	mine := filepath.Join(w.home().Plugins(), ".schemahero-postgres.tmp.mine")
	for _, path := range append(dead, mine) {
		write(t, path, "half")
	}
	gone := func() {
		t.Helper()
		for _, path := range dead {
			if _, err := os.Lstat(path); err == nil {
				t.Errorf("%s is still there", path)
			}
		}
		if _, err := os.Lstat(mine); err != nil {
			t.Error(err)
		}
		if n := len(w.events(EventSwept)); n != len(dead) {
			t.Errorf("%d of %d were told", n, len(dead))
		}
	}
	w.sync("", it)
	gone()
	for _, path := range dead {
		write(t, path, "half")
	}
	w.told = nil
	lock := w.engine().layerLock(it.Layer.Digest)
	write(t, lock, "1\n")
	w.engine().Sweep(w.home().Plugins())
	gone()
	if _, err := os.Lstat(lock); err == nil {
		t.Error("a dead process's lock on a layer is still there")
	}
}

func TestFailures(t *testing.T) {
	a := &ItemError{Item{Name: "a"}, errors.New("x")}
	b := &ItemError{Item{Name: "b"}, &UnstagedError{Layer{Digest: "sha256:00"}}}
	err := errors.Join(nil, wrapped{errors.Join(a, errors.New("not an item's"))}, b)
	f := Failures(err)
	if len(f) != 2 || f[0] != a || f[1] != b {
		t.Errorf("got %v", f)
	}
	if f := Failures(nil); f != nil {
		t.Errorf("got %v", f)
	}
	if got := b.Error(); got != "b: sha256:00: is not in the store" {
		t.Error(got)
	}
}

type wrapped struct{ error }

func (w wrapped) Unwrap() error { return w.error }

func TestHash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "abc")
	// FIPS 180-4's own example.
	if got, err := Hash(t.Context(), path); got != "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("%s, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Hash(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Without a fetcher, what is in the store can be placed, and the rest is said
// to be missing.
func TestWithoutFetcher(t *testing.T) {
	w := newWorld(t)
	a, b := w.publish("a", "1.0.0"), w.publish("b", "1.0.0")
	w.sync("", a)
	os.Remove(a.Path)
	e := Open(w.home(), Options{})
	if _, err := runSync(t.Context(), e, []Item{a}, PlaceOptions{}); err != nil {
		t.Error(err)
	}
	w.holds(a, "1.0.0")
	var unstaged *UnstagedError
	if _, err := runSync(t.Context(), e, []Item{b}, PlaceOptions{}); !errors.As(err, &unstaged) || unstaged.Layer != b.Layer {
		t.Errorf("got %v", err)
	}
}

func TestHomePaths(t *testing.T) {
	h := NewHome("/h/.schemahero/")
	for got, want := range map[string]string{
		h.Dir(): "/h/.schemahero", h.Plugins(): "/h/.schemahero/plugins", h.Store(): "/h/.schemahero/store",
		h.Receipts(): "/h/.schemahero/receipts", h.Locks(): "/h/.schemahero/locks", h.Config(): "/h/.schemahero/config.toml",
		h.Trust(): "/h/.schemahero/trust", h.Cache(): "/h/.schemahero/cache",
	} {
		if got != filepath.FromSlash(want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if e := Open(h, Options{}); e.Home() != h {
		t.Errorf("%+v", e.Home())
	}
}
