package install

import (
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
	hold, err := w.engine().Lock(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer hold.Unlock()
	return hold.Prune(w.t.Context(), o)
}

// Of a damaged receipt nobody knows who wanted its file: it is not to go with
// the one lock that claims it anew.
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
	if got := claimsOf(t, w.engine(), it.Path); len(got) != 2 {
		t.Errorf("the claim on a young file was ended: %v", got)
	}
	if _, err := w.prune(PruneOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	if got := claimsOf(t, w.engine(), it.Path); !slices.Equal(got, []Claim{a}) {
		t.Errorf("claims %v", got)
	}
	w.holds(it, "1.0.0")
	if got := w.states(w.engine(), it); got != "postgres:ok" {
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

	e := w.engine()
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
