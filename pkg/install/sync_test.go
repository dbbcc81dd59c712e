package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

func TestSync(t *testing.T) {
	w := newWorld(t)
	postgres, mysql := w.publish("postgres", "1.0.0"), w.publish("mysql", "8.0.0")
	cockroach := postgres
	cockroach.Name, cockroach.Path = "cockroachdb", filepath.Join(w.home().Plugins(), "schemahero-cockroachdb")
	items := []Item{cockroach, mysql, postgres}
	claim := w.lock("a", postgres, cockroach, mysql)

	if got := w.states(w.installer(), items...); got != "cockroachdb:missing mysql:missing postgres:missing" {
		t.Error(got)
	}
	if _, err := os.Stat(w.dir); !os.IsNotExist(err) {
		t.Errorf("looking made the home: %v", err)
	}
	if got := actions(w.sync(claim, items...)); got != "cockroachdb:installed mysql:installed postgres:installed" {
		t.Error(got)
	}
	for _, it := range items {
		w.holds(it, it.Version)
	}
	if w.reg.fetches() != 2 {
		t.Errorf("%d layers were fetched for two drivers", w.reg.fetches())
	}
	w.tidy()

	all, err := w.installer().Inspect(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if !s.Settled(claim) || s.Settled("/other.lock") || s.needsLayer() {
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
	if got := actions(w.sync(claim, items...)); got != "cockroachdb:kept mysql:kept postgres:kept" {
		t.Error(got)
	}

	newer := w.publish("postgres", "1.1.0")
	if got := w.states(w.installer(), newer); got != "postgres:changed" {
		t.Error(got)
	}
	r := w.sync(claim, newer)
	if actions(r) != "postgres:replaced" {
		t.Errorf("%+v", r)
	}
	w.holds(newer, "1.1.0")
	w.holds(cockroach, "1.0.0")
	// Back again: the store still has it.
	before := w.reg.fetches()
	w.sync(claim, postgres)
	w.holds(postgres, "1.0.0")
	if w.reg.fetches() != before {
		t.Error("a stored layer was fetched again")
	}
	w.tidy()
}

// The same drift must be seen, and repaired, whether the lock states the
// executable or only the receipt and the store know it.
func TestDrift(t *testing.T) {
	for _, c := range []struct {
		title  string
		change func(t *testing.T, path string)
		state  string
		action string
	}{
		{"nothing", func(*testing.T, string) {}, "postgres:ok", "postgres:kept"},
		{"removed", func(t *testing.T, p string) { os.Remove(p) }, "postgres:missing", "postgres:installed"},
		{"tampered", func(t *testing.T, p string) { write(t, p, "x") }, "postgres:changed", "postgres:repaired"},
		{"mode", func(t *testing.T, p string) { os.Chmod(p, 0o644) }, "postgres:notExecutable?", "postgres:repaired"},
		{"mode for its owner", func(t *testing.T, p string) { os.Chmod(p, 0o700) }, "postgres:changed?", "postgres:repaired"},
		{"mode with setuid", func(t *testing.T, p string) { os.Chmod(p, 0o755|os.ModeSetuid) }, "postgres:changed?", "postgres:repaired"},
		{"mode not for reading", func(t *testing.T, p string) { os.Chmod(p, 0o511) }, "postgres:changed?", "postgres:repaired"},
		{"touched", func(t *testing.T, p string) { os.Chtimes(p, epoch, epoch) }, "postgres:ok?", "postgres:kept"},
		{"copied", func(t *testing.T, p string) {
			data, _ := os.ReadFile(p)
			os.Remove(p)
			write(t, p, string(data))
		}, "postgres:ok?", "postgres:kept"},
		{"a link", func(t *testing.T, p string) {
			os.Rename(p, p+".real")
			symlink(t, p+".real", p)
		}, "postgres:changed", "postgres:repaired"},
		{"a dangling link", func(t *testing.T, p string) {
			os.Remove(p)
			symlink(t, "/nowhere", p)
		}, "postgres:changed", "postgres:repaired"},
		{"receipt lost", func(t *testing.T, p string) {
			os.RemoveAll(filepath.Join(filepath.Dir(filepath.Dir(p)), "receipts"))
		}, "postgres:ok?", "postgres:adopted"},
		{"receipt damaged", func(t *testing.T, p string) {
			for _, f := range receiptFiles(t, p) {
				write(t, f, "{")
			}
		}, "postgres:ok?", "postgres:repaired"},
		{"receipt damaged, file changed", func(t *testing.T, p string) {
			for _, f := range receiptFiles(t, p) {
				write(t, f, "")
			}
			write(t, p, "x")
		}, "postgres:changed", "postgres:repaired"},
		{"receipt of another path", func(t *testing.T, p string) {
			for _, f := range receiptFiles(t, p) {
				write(t, f, `{"path":"/elsewhere","layer":"`+string(layerOf("a"))+`","sha256":"`+string(layerOf("a"))+`"}`)
			}
		}, "postgres:ok?", "postgres:repaired"},
	} {
		if strings.HasPrefix(c.title, "mode") && !executableBits {
			continue
		}
		for _, known := range []bool{false, true} {
			t.Run(c.title, func(t *testing.T) {
				w := newWorld(t)
				it := w.publish("postgres", "1.0.0")
				if known {
					it = stated(it)
				}
				claim := w.lock("a", it)
				w.sync(claim, it)
				c.change(t, it.Path)
				if got := w.states(w.installer(), it); got != c.state {
					t.Errorf("state %s, want %s", got, c.state)
				}
				verified, err := w.installer().Verify(t.Context(), []Item{it})
				if err != nil || stateText(verified) != c.state {
					t.Errorf("verified %s, %v, want %s", stateText(verified), err, c.state)
				}
				if got := actions(w.sync(claim, it)); got != c.action {
					t.Errorf("action %s, want %s", got, c.action)
				}
				w.holds(it, "1.0.0")
				all, _ := w.installer().Inspect(t.Context(), []Item{it})
				if !all[0].Settled(claim) {
					t.Errorf("not settled: %+v", all[0])
				}
				w.tidy()
			})
		}
	}
}

// A lie keeps size, times and inode; hashing alone finds it, and what it finds
// must not be forgotten.
func TestVerifyMarksLyingReceipts(t *testing.T) {
	w := newWorld(t)
	it, other := w.publish("postgres", "1.0.0"), w.publish("mysql", "1.0.0")
	claim := w.lock("a", it, other)
	w.sync(claim, it, other)
	w.lie(it)
	if got := w.states(w.installer(), it, other); got != "postgres:ok mysql:ok" {
		t.Fatalf("the lie does not work: %s", got)
	}
	all, err := w.installer().Verify(t.Context(), []Item{it, other})
	if err != nil || stateText(all) != "postgres:changed mysql:ok" {
		t.Fatalf("%s, %v", stateText(all), err)
	}
	if got := w.states(w.installer(), it, other); got != "postgres:changed mysql:ok" {
		t.Errorf("after verify: %s", got)
	}
	if got := actions(w.sync(claim, it, other)); got != "postgres:repaired mysql:kept" {
		t.Error(got)
	}
	w.holds(it, "1.0.0")
}

// lie changes an installed file and has its receipt vouch for it.
func (w *world) lie(it Item) {
	w.t.Helper()
	data, err := os.ReadFile(it.Path)
	if err != nil {
		w.t.Fatal(err)
	}
	data[len(data)-2] ^= 1
	write(w.t, it.Path, string(data))
	e := w.installer()
	all, err := e.inspectAll(w.t.Context(), []Item{it}, false)
	if err != nil {
		w.t.Fatal(err)
	}
	r := *all[0].Receipt
	r.vouch(all[0].stat)
	if err := e.write(r, false); err != nil {
		w.t.Fatal(err)
	}
}

// An entry of which a bit has rotted is not installed, though it has its size.
func TestStoreRots(t *testing.T) {
	w := newWorld(t)
	w.copy = true
	it := w.publish("postgres", "1.0.0")
	claim := w.lock("a", it)
	w.sync(claim, it)
	entry, _ := w.installer().store.lookup(it.Layer.Digest)
	if !w.installer().store.vouched(entry) {
		t.Error("what was just placed would be hashed again")
	}
	write(t, entry.Path, strings.Replace(content("postgres", "1.0.0"), "echo", "rott", 1))
	os.Remove(it.Path)
	// The store is asked as Place does, too: it may rot in between.
	hold, err := w.installer().Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hold.Place(t.Context(), []Item{it}, PlaceOptions{}); !errors.As(err, new(*UnstagedError)) {
		t.Errorf("got %v", err)
	}
	hold.Unlock()
	w.sync(claim, it)
	w.holds(it, "1.0.0")
	if w.reg.fetches() != 2 {
		t.Errorf("%d fetches", w.reg.fetches())
	}

	// A copy of the store is hashed once, and not fetched.
	entry, _ = w.installer().store.lookup(it.Layer.Digest)
	os.Chtimes(entry.Path, epoch, epoch)
	os.Remove(it.Path)
	w.sync(claim, it)
	if w.reg.fetches() != 2 || !w.installer().store.vouched(entry) {
		t.Errorf("%d fetches, vouched %v", w.reg.fetches(), w.installer().store.vouched(entry))
	}
	w.tidy()
}

// A store entry that went bad must not be installed again and again.
func TestRepairLooksAtTheStore(t *testing.T) {
	w := newWorld(t)
	w.copy = true
	it := w.publish("postgres", "1.0.0")
	claim := w.lock("a", it)
	w.sync(claim, it)
	entry, ok := w.installer().store.lookup(it.Layer.Digest)
	if !ok {
		t.Fatal("no entry")
	}
	data, _ := os.ReadFile(entry.Path)
	data[3] ^= 1
	write(t, entry.Path, string(data))
	write(t, it.Path, string(data))
	w.sync(claim, it)
	w.holds(it, "1.0.0")
	if w.reg.fetches() != 2 {
		t.Errorf("%d fetches, want the first and the repair", w.reg.fetches())
	}
	// Cut short, it is not an entry at all.
	os.Truncate(entry.Path, 3)
	os.Remove(it.Path)
	w.sync(claim, it)
	w.holds(it, "1.0.0")
	if w.reg.fetches() != 3 {
		t.Errorf("%d fetches", w.reg.fetches())
	}
	// --refetch trusts nothing.
	w.lie(it)
	entry, _ = w.installer().store.lookup(it.Layer.Digest)
	write(t, entry.Path, string(data))
	if _, err := runSync(t.Context(), w.installer(), []Item{it}, PlaceOptions{Claim: claim, Again: true}); err != nil {
		t.Fatal(err)
	}
	w.holds(it, "1.0.0")
	if w.reg.fetches() != 4 {
		t.Errorf("%d fetches", w.reg.fetches())
	}
}

// A driver is probed beside its place, complete and executable, before the old
// one goes; and the old one stays where it fails.
func TestProbe(t *testing.T) {
	w := newWorld(t)
	a, b := w.publish("a", "1.0.0"), w.publish("b", "1.0.0")
	w.sync("", a, b)
	a2, b2 := w.publish("a", "2.0.0"), w.publish("b", "2.0.0")
	foreign := w.publish("c", "2.0.0")
	foreign.Layer.Platform = artifact.Platform{OS: "plan9", Arch: "arm"}

	refused := errors.New("wrong libc")
	var mu sync.Mutex
	probed := map[string]bool{}
	e := Open(w.home(), Options{Fetch: w.reg, Host: linux, Probe: func(_ context.Context, it Item, path string) error {
		mu.Lock()
		defer mu.Unlock()
		probed[it.Name] = true
		data, err := os.ReadFile(path)
		info, _ := os.Lstat(path)
		if err != nil || string(data) != content(it.Name, "2.0.0") || executableBits && info.Mode() != 0o755 {
			t.Errorf("%s: %q, %v, %v", path, data, info.Mode(), err)
		}
		if filepath.Dir(path) != filepath.Dir(it.Path) || path == it.Path {
			t.Errorf("%s is not beside %s", path, it.Path)
		}
		w.holds(it, "1.0.0")
		if it.Name == "b" {
			return refused
		}
		return nil
	}})
	ready := func() error { t.Error("ready, though one fails"); return nil }
	_, err := runSync(t.Context(), e, []Item{a2, b2, foreign}, PlaceOptions{Probe: true, Ready: ready})
	var probe *ProbeError
	if !errors.As(err, &probe) || !errors.Is(err, refused) || probe.Item.Name != "b" || err.Error() != "b: probe failed: wrong libc" {
		t.Errorf("got %v", err)
	}
	if probed["c"] {
		t.Error("another platform's driver was started")
	}
	w.holds(a, "1.0.0")
	w.holds(b, "1.0.0")
	r, err := runSync(t.Context(), e, []Item{a2, b2, foreign}, PlaceOptions{Probe: true, KeepGoing: true})
	if !errors.Is(err, refused) || actions(r) != "a:replaced c:installed" {
		t.Errorf("%s, %v", actions(r), err)
	}
	w.holds(a2, "2.0.0")
	w.holds(b, "1.0.0")

	clear(probed)
	if _, err := runSync(t.Context(), e, []Item{b2}, PlaceOptions{}); err != nil || len(probed) > 0 {
		t.Errorf("probed unasked: %v, %v", probed, err)
	}
	w.tidy()
}
