package install

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func claimsOf(t *testing.T, e *Installer, path string) []Claim {
	t.Helper()
	rs, err := e.Receipts()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if r.Path == path {
			return r.Claims
		}
	}
	return nil
}

// Two projects share a folder: each adds and drops its own claim only.
func TestClaimsAreShared(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	a, b := w.lock("a", it), w.lock("b", it)
	w.sync(a, it)
	before, _ := os.Lstat(it.Path)
	if got := actions(w.sync(b, it)); got != "postgres:kept" {
		t.Error(got)
	}
	if after, _ := os.Lstat(it.Path); !os.SameFile(before, after) {
		t.Error("the file was placed again only to claim it")
	}
	e := w.installer()
	if got := claimsOf(t, e, it.Path); !slices.Equal(got, []Claim{a, b}) {
		t.Errorf("claims %v", got)
	}
	// b drops postgres.
	mysql := w.publish("mysql", "1.0.0")
	drop := func(Receipt) bool { return false }
	if strays, err := e.Strays([]Item{mysql}, b); err != nil || receiptNames(strays) != "postgres" {
		t.Errorf("%+v, %v", strays, err)
	}
	linked := it // the same file by another way is not a stray
	linked.Path = filepath.Join(filepath.Dir(w.dir), "link", filepath.Base(it.Path))
	os.Symlink(w.home().Plugins(), filepath.Dir(linked.Path))
	if strays, err := e.Strays([]Item{linked}, b); err != nil || len(strays) != 0 {
		t.Errorf("%+v, %v", strays, err)
	}
	r, err := runSync(t.Context(), e, []Item{mysql}, PlaceOptions{Claim: b, Keep: drop})
	if err != nil || len(r.Dropped) != 1 || r.Dropped[0].Path != it.Path {
		t.Errorf("%+v, %v", r, err)
	}
	if got := claimsOf(t, e, it.Path); !slices.Equal(got, []Claim{a}) {
		t.Errorf("claims %v", got)
	}
	if got := w.states(e, it); got != "postgres:ok" {
		t.Error(got)
	}
	// Nothing is dropped from what is asked to be kept.
	keep := func(r Receipt) bool { return r.Name == "postgres" }
	if r, err = runSync(t.Context(), e, []Item{mysql}, PlaceOptions{Claim: a, Keep: keep}); err != nil || len(r.Dropped) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestConflict(t *testing.T) {
	old := func(w *world) Item { return w.publish("postgres", "1.0.0") }
	for _, c := range []struct {
		title string
		other func(w *world) Claim // who has the old version claimed
		want  int
	}{
		{"another lock wants it", func(w *world) Claim { return w.lock("b", old(w)) }, 1},
		{"the other lock has moved on", func(w *world) Claim { return w.lock("b", w.publish("postgres", "2.0.0")) }, 0},
		{"the other lock has dropped it", func(w *world) Claim { return w.lock("b", w.publish("mysql", "1.0.0")) }, 0},
		{"the other lock is gone", func(w *world) Claim { return "/nowhere/x.lock" }, 0},
		{"the other lock cannot be read", func(w *world) Claim {
			c := w.lock("b", old(w))
			write(w.t, string(c), "<<<<<<< ours")
			return c
		}, 1},
		{"a download", func(w *world) Claim { return DownloadClaim("postgres") }, 0},
	} {
		t.Run(c.title, func(t *testing.T) {
			w := newWorld(t)
			other := c.other(w)
			a := w.lock("a", old(w))
			w.sync(a, old(w))
			w.sync(other, old(w))
			r := w.sync(a, w.publish("postgres", "2.0.0"))
			if len(r.Conflicts) != c.want {
				t.Fatalf("%+v", r.Conflicts)
			}
			if c.want == 1 && (r.Conflicts[0].Claim != other || r.Conflicts[0].Version != "1.0.0" || r.Conflicts[0].Item.Version != "2.0.0") {
				t.Errorf("%+v", r.Conflicts[0])
			}
			if got := claimsOf(t, w.installer(), old(w).Path); len(got) != 2 {
				t.Errorf("the other's claim is gone: %v", got)
			}
		})
	}
}

func TestPrune(t *testing.T) {
	w := newWorld(t)
	w.copy = true // a link takes no bytes
	a1, b1, c1 := w.publish("a", "1.0.0"), w.publish("b", "1.0.0"), w.publish("c", "1.0.0")
	alias := a1
	alias.Name, alias.Path = "alias", filepath.Join(w.home().Plugins(), "schemahero-alias")
	download, changed, gone := w.publish("download", "1.0.0"), w.publish("changed", "1.0.0"), w.publish("gone", "1.0.0")
	one, two := w.lock("one", a1, alias, b1), w.lock("two", c1)
	w.sync(one, a1, alias, b1)
	w.sync(two, b1, c1, changed, gone)
	w.sync(DownloadClaim("download"), download)
	os.Remove(gone.Path)
	write(t, changed.Path, "my own build")
	w.lock("one", w.publish("a", "2.0.0")) // no alias, no b, and another a
	later := w.publish("a", "2.0.0")
	if err := w.stage(w.installer(), StageOptions{}, later); err != nil {
		t.Fatal(err)
	}

	unused, err := w.installer().Unused()
	if err != nil {
		t.Fatal(err)
	}
	if got := receiptNames(unused); got != "alias b changed gone" {
		t.Errorf("unused: %s", got)
	}
	prune := func(o PruneOptions) (files, changed string, layers int) {
		t.Helper()
		hold, err := w.installer().Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer hold.Unlock()
		p, err := hold.Prune(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if (p.Bytes > 0) != (len(p.Files)+len(p.Layers) > 0) {
			t.Errorf("%d bytes of %d files and %d layers", p.Bytes, len(p.Files), len(p.Layers))
		}
		return receiptNames(p.Files), receiptNames(p.Changed), len(p.Layers)
	}
	exist := func(want bool, items ...Item) {
		t.Helper()
		for _, it := range items {
			if _, err := os.Lstat(it.Path); (err == nil) != want {
				t.Errorf("%s: %v", it.Name, err)
			}
		}
	}

	dry, err := w.installer().Prunable(t.Context(), PruneOptions{Store: true})
	if err != nil || receiptNames(dry.Files) != "alias b" || receiptNames(dry.Changed) != "changed" || len(dry.Layers) != 2 {
		t.Errorf("dry run: %+v, %v", dry, err)
	}
	exist(true, a1, alias, b1, c1, download, changed)
	if files, _, layers := prune(PruneOptions{Store: true, OlderThan: 1e18}); files != "" || layers != 0 {
		t.Errorf("older than 30 years: %q, %d layers", files, layers)
	}
	// The layers of b and of gone; a 1.0.0 still stands, 2.0.0 is locked.
	files, kept, layers := prune(PruneOptions{Store: true})
	if files != "alias b" || kept != "changed" || layers != 2 {
		t.Errorf("%q, %q, %d layers", files, kept, layers)
	}
	exist(true, a1, c1, download, changed)
	exist(false, alias, b1)
	if rs, _ := w.installer().Receipts(); receiptNames(rs) != "a c changed download" {
		t.Errorf("receipts of %s", receiptNames(rs))
	}
	if files, _, _ = prune(PruneOptions{All: true}); files != "download" {
		t.Errorf("all: %q", files)
	}
	exist(true, a1, c1)
	os.Remove(string(two))
	if files, _, _ = prune(PruneOptions{}); files != "c" {
		t.Errorf("without its lock: %q", files)
	}
	exist(true, a1)
	w.tidy()
}

func receiptNames(rs []Receipt) string {
	out := ""
	for _, r := range rs {
		if out != "" {
			out += " "
		}
		out += r.Name
	}
	return out
}

// What is being fetched just now is not pruned, and the lock of a killed
// fetcher does not stay.
func TestPruneLeavesWhatIsLocked(t *testing.T) {
	w := newWorld(t)
	it := w.publish("a", "1.0.0")
	e := w.installer()
	if err := w.stage(e, StageOptions{}, it); err != nil {
		t.Fatal(err)
	}
	lock, err := e.disk.TryLock(e.layerLock(it.Layer.Digest))
	if err != nil {
		t.Fatal(err)
	}
	dead := e.layerLock(layerOf("dead"))
	write(t, dead, "1\n")
	hold, err := e.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Unlock()
	p, err := hold.Prune(t.Context(), PruneOptions{Store: true})
	if err != nil || len(p.Layers) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("the dead lock is still there")
	}
	lock.UnlockAndRemove()
	if p, err = hold.Prune(t.Context(), PruneOptions{Store: true}); err != nil || len(p.Layers) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}
