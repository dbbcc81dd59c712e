//go:build unix

package install

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"

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
// each, made again once from the layer that is kept, and all are right again.
func TestLinkChangedInPlace(t *testing.T) {
	w := newWorld(t)
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
	w.unhashed("repaired", a, b, c)

	// Nor does it help to set the time back and to remove another link by hand, which
	// changes the ctime, too.
	info, _ = os.Stat(a.Path)
	write(t, a.Path, string(data))
	os.Chtimes(a.Path, time.Time{}, info.ModTime())
	os.Remove(b.Path)
	if got := w.states(w.installer(), a, c); got != "a:changed a:changed" {
		t.Error(got)
	}
	w.sync("/q.lock", b)
	w.holds(b, "1.0.0")
	w.sync("/p.lock", a)
	w.sync("/r.lock", c)
	w.unhashed("repaired again", a, b, c)

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
	if w.reg.fetches() != 1 {
		t.Errorf("%d fetches", w.reg.fetches())
	}
	w.tidy()
}

// spoil changes what is installed, and with it the store's.
func (w *world) spoil(it Item) {
	w.t.Helper()
	if !w.linked(it) {
		w.t.Fatal("is no link")
	}
	write(w.t, it.Path, "x")
}

// What is kept of a layer is believed no more than a registry: if it is not the
// layer, it is fetched, and kept again.
func TestKeptLayer(t *testing.T) {
	for title, c := range map[string]struct {
		spoil func(file string, data []byte) error
		good  bool
	}{
		"whole":     {func(string, []byte) error { return nil }, true},
		"missing":   {func(file string, _ []byte) error { return os.Remove(file) }, false},
		"cut short": {func(file string, data []byte) error { return os.Truncate(file, int64(len(data)-1)) }, false},
		"empty":     {func(file string, _ []byte) error { return os.Truncate(file, 0) }, false},
		"zeros":     {func(file string, data []byte) error { return os.WriteFile(file, make([]byte, len(data)), 0o644) }, false},
		"another digest": {func(file string, data []byte) error {
			data = bytes.Clone(data)
			data[len(data)-5] ^= 1
			return os.WriteFile(file, data, 0o644)
		}, false},
		"another driver": {func(file string, data []byte) error {
			return os.WriteFile(file, targz(t, "schemahero-a", content("a", "6.6.6")), 0o644) // as long
		}, false},
		"a folder": {func(file string, _ []byte) error {
			return errors.Join(os.Remove(file), os.Mkdir(file, 0o755))
		}, false},
		"a link": {func(file string, _ []byte) error {
			return errors.Join(os.Rename(file, file+".moved"), os.Symlink(file+".moved", file))
		}, false},
		"unreadable": {func(file string, _ []byte) error { return os.Chmod(file, 0) }, os.Geteuid() == 0},
	} {
		t.Run(title, func(t *testing.T) {
			w := newWorld(t)
			it := w.publish("a", "1.0.0")
			w.sync("/p.lock", it)
			w.spoil(it)
			file := filepath.Join(w.installer().store.folder(it.Layer.Digest), layerName)
			if err := c.spoil(file, w.reg.layers[it.Layer.Digest]); err != nil {
				t.Fatal(err)
			}
			offline := Open(w.home(), Options{Link: true})
			_, err := runSync(t.Context(), offline, []Item{it}, PlaceOptions{Claim: "/p.lock"})
			if c.good && err != nil || !c.good && !errors.As(err, new(*UnstagedError)) {
				t.Errorf("without a registry: %v", err)
			}
			w.sync("/p.lock", it)
			w.holds(it, "1.0.0")
			if want := map[bool]int{true: 1, false: 2}[c.good]; w.reg.fetches() != want {
				t.Errorf("%d fetches, want %d", w.reg.fetches(), want)
			}
			w.spoil(it)
			if _, err := runSync(t.Context(), offline, []Item{it}, PlaceOptions{Claim: "/p.lock"}); err != nil {
				t.Errorf("it was not kept again: %v", err)
			}
			w.holds(it, "1.0.0")
			w.tidy()
		})
	}
}

// A full disk, or who has no time, does not take away the layer of an executable that
// was about to be made again.
func TestKeptLayerStays(t *testing.T) {
	w := newWorld(t)
	it := w.publish("a", "1.0.0")
	noise := make([]byte, 16<<20) // so that it is still read when the first of it is written
	rand.NewChaCha8([32]byte{}).Read(noise)
	w.pack(&it, targz(t, "schemahero-a", string(noise)))
	w.sync("/p.lock", it)
	for _, want := range []error{syscall.ENOSPC, context.Canceled} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.spoil(it)
		e := w.installer()
		e.disk.Fault = func(op disk.Op, path string) error {
			if op == disk.Write && filepath.Dir(path) == w.home().Store() {
				if want == context.Canceled {
					cancel()
				} else {
					return want
				}
			}
			return nil
		}
		if _, err := runSync(ctx, e, []Item{it}, PlaceOptions{}); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		w.sync("/p.lock", it)
		if data, err := os.ReadFile(it.Path); err != nil || !bytes.Equal(data, noise) {
			t.Errorf("%d bytes, %v", len(data), err)
		}
		w.tidy()
	}
	if w.reg.fetches() != 1 {
		t.Errorf("%d fetches", w.reg.fetches())
	}
}

// A layer is kept only if that is for something: it is smaller than what it holds,
// and what is installed is going to be a link.
func TestNotKept(t *testing.T) {
	plain := func(it Item) []byte {
		z, _ := gzip.NewReader(bytes.NewReader(targz(t, "schemahero-a", content("a", it.Version))))
		data, _ := io.ReadAll(z)
		return data
	}
	for title, prepare := range map[string]func(w *world, e *Installer, it *Item){
		"not wanted":  func(_ *world, e *Installer, _ *Item) { e.o.Link = false },
		"clones":      func(_ *world, e *Installer, _ *Item) { e.linksOnly = func() bool { return false } },
		"a plain tar": func(w *world, _ *Installer, it *Item) { w.pack(it, plain(*it)); it.Layer.File = "schemahero-a.tar" },
		"an executable": func(w *world, _ *Installer, it *Item) {
			w.pack(it, []byte(content("a", it.Version)))
			it.Layer.File = ""
		},
		"another disk": func(w *world, _ *Installer, it *Item) { *it = in(t.TempDir(), *it) },
	} {
		t.Run(title, func(t *testing.T) {
			w := newWorld(t)
			it, e := w.publish("a", "1.0.0"), w.installer()
			prepare(w, e, &it)
			_, here, _ := disk.Free(w.dir)
			if _, there, _ := disk.Free(filepath.Dir(it.Path)); title == "another disk" && here == there {
				t.Skip("there is only one")
			}
			if _, err := runSync(t.Context(), e, []Item{it}, PlaceOptions{}); err != nil {
				t.Fatal(err)
			}
			w.holds(it, "1.0.0")
			files, _ := os.ReadDir(e.store.folder(it.Layer.Digest))
			if len(files) != 2 || w.linked(it) {
				t.Errorf("linked or kept: %v", files)
			}
			write(t, it.Path, "x")
			w.sync("", it) // of the store's own, which nobody changed
			w.holds(it, "1.0.0")
			if w.reg.fetches() != 1 || w.linked(it) {
				t.Errorf("%d fetches, or linked", w.reg.fetches())
			}
			w.tidy()
		})
	}
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
	a := w.publish("a", "1.0.0")
	b := in(filepath.Join(filepath.Dir(w.dir), "q"), a)
	p, q := w.lock("p", a), w.lock("q", b)
	w.sync(p, a)
	w.sync(q, b)
	size := int64(len(content("a", "1.0.0"))) + a.Layer.Size
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

	// So it is with what was changed and is wanted no more.
	w.sync(p, a)
	w.spoil(a)
	os.Remove(a.Path)
	got, err = w.prune(PruneOptions{Store: true})
	is(1+a.Layer.Size, got, err)
	if left, _ := os.ReadDir(filepath.Join(w.home().Store(), "sha256")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// What is written to a file while a sync is about it is not vouched for: neither where
// only its mode is mended, nor where the earlier file is put back.
func TestWrittenToMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.copy = true
	a, b := w.publish("a", "1.0.0"), w.publish("b", "1.0.0")
	w.sync("", a, b)
	e, at := w.installer(), disk.Op("")
	e.limit = 1
	e.disk.Fault = func(op disk.Op, path string) error {
		if op != at || path != map[disk.Op]string{disk.Chmod: a.Path, disk.Rename: b.Path}[op] {
			return nil
		}
		if at == disk.Chmod {
			write(t, a.Path, content("a", "1.0.0")+"evil")
			return nil
		}
		kept, _ := filepath.Glob(filepath.Join(filepath.Dir(a.Path), ".schemahero-a.*"))
		if len(kept) != 1 {
			t.Fatal(kept)
		}
		write(t, kept[0], content("a", "1.0.0")+"evil")
		return syscall.EIO
	}
	os.Chmod(a.Path, 0o644)
	at = disk.Chmod
	if _, err := runSync(t.Context(), e, []Item{a}, PlaceOptions{}); err != nil {
		t.Fatal(err)
	}
	at = ""
	if got := w.states(e, a); got != "a:changed" {
		t.Errorf("its mode was mended: %s", got)
	}
	w.sync("", a)
	a2, b2 := w.publish("a", "2.0.0"), w.publish("b", "2.0.0")
	at = disk.Rename
	if _, err := runSync(t.Context(), e, []Item{a2, b2}, PlaceOptions{}); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	if got := w.states(e, a); got != "a:changed" {
		t.Errorf("it was put back: %s", got)
	}
}

// The same of a link: the store's file has another name already when it is written to.
func TestLinkWrittenToMeanwhile(t *testing.T) {
	w := newWorld(t)
	it := w.publish("a", "1.0.0")
	e := w.installer()
	e.disk.Fault = func(op disk.Op, path string) error {
		if op == disk.Rename && path == it.Path {
			entry, _ := e.store.lookup(it.Layer.Digest)
			write(t, entry.Path, content("a", "6.6.6"))
		}
		return nil
	}
	if _, err := runSync(t.Context(), e, []Item{it}, PlaceOptions{}); err != nil {
		t.Fatal(err)
	}
	e.disk.Fault = nil
	if got := w.states(e, it); !w.linked(it) || got != "a:changed" {
		t.Errorf("linked %v, %s", w.linked(it), got)
	}
	w.sync("", it)
	w.holds(it, "1.0.0")
}

// The note of a file is written again for a name that it gets, with the time it was
// last used; not for what is written to it.
func TestSteady(t *testing.T) {
	w := newWorld(t)
	it := w.publish("a", "1.0.0")
	w.sync("", it)
	s, used := w.installer().store, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	entry, _ := s.lookup(it.Layer.Digest)
	s.touch(entry, used)
	for _, c := range []struct {
		does string
		do   func() error
		sure bool
	}{
		{"links", func() error { return os.Link(entry.Path, filepath.Join(w.dir, "linked")) }, true},
		{"writes", func() error { return os.WriteFile(entry.Path, []byte(content("a", "6.6.6")), 0o755) }, false},
	} {
		if err := s.steady([]digest.Digest{it.Layer.Digest}, c.do); err != nil {
			t.Fatal(err)
		}
		if e, ok := s.lookup(it.Layer.Digest); !ok || !e.Used.Equal(used) || s.vouched(e) != c.sure {
			t.Errorf("%s: used %s, vouched for: %v", c.does, e.Used, s.vouched(e))
		}
	}
}
