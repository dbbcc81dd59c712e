package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

func (w *world) prune(o PruneOptions) (Pruned, error) {
	w.t.Helper()
	hold, err := w.installer().Lock(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer hold.Unlock()
	return hold.Prune(w.t.Context(), o)
}

// Of a damaged receipt nobody knows who wanted its file: it is not to go with
// the one lock that claims it again.
func TestPruneAfterLostClaims(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	p, q := w.lock("p", it), w.lock("q", it)
	w.sync(p, it)
	w.sync(q, it)
	write(t, receiptFiles(t, it.Path)[0], "")
	w.sync(q, it)
	os.Remove(string(q))
	if got, err := w.prune(PruneOptions{Store: true}); err != nil || len(got.Files) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	w.holds(it, "1.0.0")
	if got, err := w.prune(PruneOptions{All: true}); err != nil || receiptNames(got.Files) != "postgres" {
		t.Errorf("all: %+v, %v", got, err)
	}
}

// What a lock wants stays, but from then on it goes with the lock.
func TestPruneAllEndsDownloads(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	a := w.lock("a", it)
	w.sync(DownloadClaim("postgres"), it)
	w.sync(a, it)
	if _, err := w.prune(PruneOptions{All: true, OlderThan: 1e18}); err != nil {
		t.Fatal(err)
	}
	if got := claimsOf(t, w.installer(), it.Path); len(got) != 2 {
		t.Errorf("the claim on a young file was ended: %v", got)
	}
	if _, err := w.prune(PruneOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	if got := claimsOf(t, w.installer(), it.Path); !slices.Equal(got, []Claim{a}) {
		t.Errorf("claims %v", got)
	}
	w.holds(it, "1.0.0")
	if got := w.states(w.installer(), it); got != "postgres:ok" {
		t.Error(got)
	}
}

// A folder that became a file holds no driver, and one file that cannot be
// removed keeps no other.
func TestPruneGoesOn(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.publish("a", "1.0.0"), w.publish("b", "1.0.0"), w.publish("c", "1.0.0")
	dir := filepath.Join(filepath.Dir(w.dir), "project", "bin")
	a.Path = filepath.Join(dir, "schemahero-a")
	claim := w.lock("a", a, b, c)
	w.sync(claim, a, b, c)
	os.Remove(string(claim))
	os.RemoveAll(dir)
	write(t, dir, "a file")

	e := w.installer()
	e.disk.Fault = func(op disk.Op, path string) error {
		if op == disk.Remove && path == b.Path {
			return syscall.EPERM
		}
		return nil
	}
	hold, err := e.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Unlock()
	got, err := hold.Prune(t.Context(), PruneOptions{})
	if !errors.Is(err, syscall.EPERM) || receiptNames(got.Files) != "c" {
		t.Errorf("%+v, %v", got, err)
	}
	if rs, _ := e.Receipts(); receiptNames(rs) != "b" {
		t.Errorf("receipts of %s", receiptNames(rs))
	}
}

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
	lock := w.installer().layerLock(it.Layer.Digest)
	write(t, lock, "1\n")
	w.installer().Sweep(w.home().Plugins())
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
		h.Receipts(): "/h/.schemahero/receipts", h.locks(): "/h/.schemahero/locks", h.Config(): "/h/.schemahero/config.toml",
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
