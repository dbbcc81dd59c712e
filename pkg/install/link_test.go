//go:build unix

package install

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// in returns an item's like in another folder.
func in(dir string, it Item) Item {
	it.Path = filepath.Join(dir, filepath.Base(it.Path))
	return it
}

func (w *world) linked(it Item) bool {
	w.t.Helper()
	entry, ok := w.installer().store.lookup(it.Layer.Digest)
	a, err := os.Lstat(entry.Path)
	b, err2 := os.Lstat(it.Path)
	if !ok || err != nil || err2 != nil {
		w.t.Fatal(ok, err, err2)
	}
	return os.SameFile(a, b)
}

// unhashed fails the test if the next look at files would hash one, or at the store.
func (w *world) unhashed(when string, items ...Item) {
	w.t.Helper()
	e := w.installer()
	for _, it := range items {
		s := Status{Item: it, path: Canonical(it.Path)}
		if done, err := e.byReceipt(&s); !done || err != nil || s.State != OK || s.record != recorded {
			w.t.Errorf("%s: %s: %v %s %v", when, it.Path, done, s.State, err)
		}
		if entry, ok := e.store.lookup(it.Layer.Digest); !ok || !e.store.vouched(entry) {
			w.t.Errorf("%s: the store's %s would be hashed", when, it.Name)
		}
	}
}

// Each link that comes or goes changes the ctime of all the others.
func TestLinksShareOneFile(t *testing.T) {
	w := newWorld(t)
	w.link = true
	a := w.publish("a", "1.0.0")
	alias := a
	alias.Name, alias.Path = "alias", filepath.Join(w.home().Plugins(), "schemahero-alias")
	there := in(filepath.Join(filepath.Dir(w.dir), "q"), a)
	p, q := w.lock("p", a, alias), w.lock("q", there)
	w.sync(p, a, alias)
	w.unhashed("two names", a, alias)
	w.sync(q, there)
	w.unhashed("another project", a, alias, there)
	if !w.linked(a) || !w.linked(alias) || !w.linked(there) || w.reg.fetches() != 1 {
		t.Errorf("not linked, or %d fetches", w.reg.fetches())
	}
	os.Remove(there.Path)
	w.unhashed("one removed by hand", a, alias)
	w.sync(q, there)
	w.unhashed("and back", a, alias, there)
	newer := in(filepath.Dir(there.Path), w.publish("a", "2.0.0"))
	w.sync(q, newer)
	w.unhashed("one replaced", a, alias, newer)
	hold, err := w.installer().Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := hold.Place(t.Context(), []Item{a, alias}, PlaceOptions{Claim: p, Again: true, KeepGoing: true}); err != nil {
			t.Fatal(err)
		}
		w.unhashed("placed again", a, alias, newer)
	}
	hold.Unlock()
	if _, err := runSync(t.Context(), Open(w.home(), Options{Probe: func(context.Context, Item, string) error { return syscall.ENOEXEC }, Host: linux}), []Item{there}, PlaceOptions{Probe: true}); err == nil {
		t.Error("a driver that does not start was placed")
	}
	w.unhashed("a probe failed", a, alias, newer)
	w.lock("p", a)
	if _, err := w.prune(PruneOptions{}); err != nil {
		t.Fatal(err)
	}
	w.unhashed("the alias removed", a, newer)
	w.tidy()
}

// What one project's file got, every other's has, and the store: it is found in
// each, fetched once, and all are right again.
func TestLinkChangedInPlace(t *testing.T) {
	w := newWorld(t)
	w.link = true
	a := w.publish("a", "1.0.0")
	b, c := in(filepath.Join(filepath.Dir(w.dir), "q"), a), in(filepath.Join(filepath.Dir(w.dir), "r"), a)
	w.sync("/p.lock", a)
	w.sync("/q.lock", b)
	info, _ := os.Stat(a.Path)
	data := []byte(content("a", "1.0.0"))
	data[3] ^= 1
	write(t, a.Path, string(data))
	os.Chtimes(a.Path, time.Time{}, info.ModTime())
	if got := w.states(w.installer(), a, b); got != "a:changed a:changed" {
		t.Error(got)
	}
	w.sync("/r.lock", c) // which never had a file: the store's own stat tells
	w.holds(c, "1.0.0")
	w.sync("/p.lock", a)
	w.sync("/q.lock", b)
	for _, it := range []Item{a, b, c} {
		w.holds(it, "1.0.0")
		if !w.linked(it) {
			t.Errorf("%s: is no link", it.Path)
		}
	}
	if w.reg.fetches() != 2 {
		t.Errorf("%d fetches", w.reg.fetches())
	}
	w.unhashed("repaired", a, b, c)

	// Bytes that went bad without a trace are in the store too.
	w.lie(a)
	all, err := w.installer().Verify(t.Context(), []Item{a})
	if err != nil || stateText(all) != "a:changed" {
		t.Fatal(stateText(all), err)
	}
	os.Remove(b.Path)
	w.sync("/q.lock", b)
	w.holds(b, "1.0.0")
	w.sync("/p.lock", a)
	w.holds(a, "1.0.0")
	w.tidy()
}

// What cannot be a link, or is not to be one, is a copy.
func TestCopiedIfNotLinked(t *testing.T) {
	refused := func(err error) func(*Installer, Entry) {
		return func(e *Installer, _ Entry) {
			e.disk.Fault = func(op disk.Op, path string) error {
				if op == disk.Link {
					return err
				}
				return nil
			}
		}
	}
	for title, prepare := range map[string]func(*Installer, Entry){
		"another file system": refused(syscall.EXDEV),
		"too many":            refused(syscall.EMLINK),
		"protected":           refused(syscall.EPERM),
		"no links":            refused(syscall.ENOTSUP),
		"not wanted":          func(e *Installer, _ Entry) { e.o.Link = false },
		"fixed mode": func(e *Installer, entry Entry) {
			os.Chmod(entry.Path, 0o644)
			e.disk.Fault = func(op disk.Op, path string) error {
				if op == disk.Chmod && path == entry.Path {
					return syscall.EPERM
				}
				return nil
			}
		},
	} {
		t.Run(title, func(t *testing.T) {
			w := newWorld(t)
			w.link = true
			it := w.publish("a", "1.0.0")
			if err := w.stage(w.installer(), StageOptions{}, it); err != nil {
				t.Fatal(err)
			}
			e := w.installer()
			entry, _ := e.store.lookup(it.Layer.Digest)
			prepare(e, entry)
			if _, err := runSync(t.Context(), e, []Item{it}, PlaceOptions{}); err != nil {
				t.Fatal(err)
			}
			w.holds(it, "1.0.0")
			if w.linked(it) {
				t.Error("is a link")
			}
			write(t, it.Path, "x")
			if !w.installer().store.sound(t.Context(), entry, true) {
				t.Error("the store changed with the copy")
			}
			w.tidy()
		})
	}
}

// A store from before its files were linked has them 0644.
func TestLinkOfAnOldStore(t *testing.T) {
	w := newWorld(t)
	w.link = true
	it := w.publish("a", "1.0.0")
	if err := w.stage(w.installer(), StageOptions{}, it); err != nil {
		t.Fatal(err)
	}
	entry, _ := w.installer().store.lookup(it.Layer.Digest)
	os.Chmod(entry.Path, 0o644)
	w.sync("/p.lock", it)
	w.holds(it, "1.0.0")
	if !w.linked(it) || w.reg.fetches() != 1 {
		t.Errorf("not linked, or %d fetches", w.reg.fetches())
	}
	w.unhashed("linked", it)
}

// Bytes that several files share count once, and only if none is left.
func TestPruneCountsBytesOnce(t *testing.T) {
	w := newWorld(t)
	w.link = true
	a := w.publish("a", "1.0.0")
	b := in(filepath.Join(filepath.Dir(w.dir), "q"), a)
	p, q := w.lock("p", a), w.lock("q", b)
	w.sync(p, a)
	w.sync(q, b)
	size := int64(len(content("a", "1.0.0")))
	is := func(want int64, got Pruned, err error) {
		t.Helper()
		if err != nil || got.Bytes != want {
			t.Errorf("%d bytes of %d files and %d layers, not %d; %v", got.Bytes, len(got.Files), len(got.Layers), want, err)
		}
	}
	os.Remove(string(p))
	got, err := w.installer().Prunable(t.Context(), PruneOptions{Store: true})
	is(0, got, err)
	os.Remove(string(q))
	got, err = w.installer().Prunable(t.Context(), PruneOptions{Store: true})
	is(size, got, err)
	got, err = w.prune(PruneOptions{Store: true})
	is(size, got, err)
	if len(got.Files) != 2 || len(got.Layers) != 1 {
		t.Errorf("%+v", got)
	}
}
