package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestForeign(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	claim := w.lock("a", it)
	write(t, it.Path, "by hand")

	if got := w.states(w.installer(), it); got != "postgres:foreign" {
		t.Error(got)
	}
	_, err := runSync(t.Context(), w.installer(), []Item{stated(it)}, PlaceOptions{Claim: claim})
	var foreign *ForeignError
	if !errors.As(err, &foreign) || foreign.Path != it.Path {
		t.Fatalf("got %v", err)
	}
	if w.reg.fetches() != 0 {
		t.Error("the layer was fetched before the way was looked at")
	}
	// It may have come between the check and the placing.
	e := w.installer()
	os.Remove(it.Path)
	work, _ := e.Inspect(t.Context(), []Item{it})
	if err := e.Stage(t.Context(), work, StageOptions{}); err != nil {
		t.Fatal(err)
	}
	write(t, it.Path, "by hand")
	hold, err := e.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = hold.Place(t.Context(), []Item{it}, PlaceOptions{Claim: claim}); !errors.As(err, &foreign) {
		t.Errorf("got %v", err)
	}
	hold.Unlock()
	if data, _ := os.ReadFile(it.Path); string(data) != "by hand" {
		t.Fatalf("it holds %q", data)
	}
	if rs, _ := e.Receipts(); len(rs) != 0 {
		t.Errorf("it got a receipt: %+v", rs)
	}
	r, err := runSync(t.Context(), e, []Item{it}, PlaceOptions{Claim: claim, Force: true})
	if err != nil || actions(r) != "postgres:replaced" {
		t.Errorf("%s, %v", actions(r), err)
	}
	w.holds(it, "1.0.0")
	w.tidy()
}

func TestForeignThatIsNoFile(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	target := filepath.Join(t.TempDir(), "mine")
	write(t, target, "mine")
	os.MkdirAll(filepath.Dir(it.Path), 0o755)
	os.Symlink(target, it.Path)
	if got := w.states(w.installer(), it); got != "postgres:foreign" {
		t.Error(got)
	}
	if _, err := runSync(t.Context(), w.installer(), []Item{it}, PlaceOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	w.holds(it, "1.0.0")
	if data, _ := os.ReadFile(target); string(data) != "mine" {
		t.Errorf("the link was followed: %q", data)
	}

	folder := w.publish("mysql", "1.0.0")
	write(t, filepath.Join(folder.Path, "precious"), "x")
	var path *fs.PathError
	if _, err := runSync(t.Context(), w.installer(), []Item{folder}, PlaceOptions{Force: true}); !errors.As(err, &path) || path.Path != folder.Path {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder.Path, "precious")); err != nil {
		t.Error(err)
	}
	w.tidy()
}

// A hand-installed file with the right bytes needs no force, and its bytes are
// left alone.
func TestAdopt(t *testing.T) {
	w := newWorld(t)
	it := stated(w.publish("postgres", "1.0.0"))
	claim := w.lock("a", it)
	write(t, it.Path, content("postgres", "1.0.0"))
	before, _ := os.Lstat(it.Path)
	if got := actions(w.sync(claim, it)); got != "postgres:adopted" {
		t.Error(got)
	}
	if rs, _ := w.installer().Receipts(); len(rs) != 1 || !rs[0].claimed(claim) {
		t.Errorf("receipts: %+v", rs)
	}
	if after, _ := os.Lstat(it.Path); !os.SameFile(before, after) || w.reg.fetches() != 0 {
		t.Error("it was fetched and replaced")
	}

	if !executableBits {
		return
	}
	plain := stated(w.publish("mysql", "1.0.0"))
	write(t, plain.Path, content("mysql", "1.0.0"))
	os.Chmod(plain.Path, 0o644)
	if got := w.states(w.installer(), plain); got != "mysql:notExecutable?" {
		t.Error(got)
	}
	if got := actions(w.sync(claim, plain)); got != "mysql:repaired" {
		t.Error(got)
	}
	w.holds(plain, "1.0.0")
}

// If only the layer knows the right bytes, it is staged before the file is
// judged.
func TestAdoptUnjudged(t *testing.T) {
	for _, right := range []bool{true, false} {
		w := newWorld(t)
		it := w.publish("postgres", "1.0.0")
		claim := w.lock("a", it)
		text := content("postgres", "1.0.0")
		if !right {
			text += "# mine"
		}
		write(t, it.Path, text)
		e := w.installer()
		all, err := e.Inspect(t.Context(), []Item{it})
		if err != nil || all[0].State != Foreign || !all[0].Unjudged {
			t.Errorf("%+v, %v", all[0], err)
		}
		saved := false
		r, err := runSync(t.Context(), e, []Item{it}, PlaceOptions{Claim: claim, Ready: func() error { saved = true; return nil }})
		if right && (err != nil || actions(r) != "postgres:adopted") {
			t.Errorf("%s, %v", actions(r), err)
		}
		if !right && !errors.As(err, new(*ForeignError)) {
			t.Errorf("%s, %v", actions(r), err)
		}
		if saved != right {
			t.Errorf("right %v, ready %v", right, saved)
		}
		if data, _ := os.ReadFile(it.Path); string(data) != text {
			t.Errorf("it holds %q", data)
		}
		w.tidy()
	}
}

// One file has one receipt, by whatever way its folder is reached.
func TestLinkedFolder(t *testing.T) {
	w := newWorld(t)
	real := filepath.Join(t.TempDir(), "real")
	link := filepath.Join(t.TempDir(), "link")
	os.Mkdir(real, 0o755)
	os.Symlink(real, link)
	it := w.publish("postgres", "1.0.0")
	it.Path = filepath.Join(link, "bin", "schemahero-postgres")
	w.sync("", it)
	it.Path = filepath.Join(real, "bin", "schemahero-postgres")
	if got := w.states(w.installer(), it); got != "postgres:ok" {
		t.Error(got)
	}
	if LockClaim(filepath.Join(link, "x.lock")) != LockClaim(filepath.Join(real, "x.lock")) {
		t.Error("one lock has two claims")
	}
	twice := it
	twice.Path = filepath.Join(link, "bin", "schemahero-postgres")
	if _, err := w.installer().Inspect(t.Context(), []Item{it, twice}); err == nil {
		t.Error("one file was asked for twice, and nobody noticed")
	}
}
