package install

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// stage stages items from nothing.
func (w *world) stage(e *Installer, o StageOptions, items ...Item) error {
	w.t.Helper()
	work, err := e.Inspect(w.t.Context(), items)
	if err != nil {
		w.t.Fatal(err)
	}
	return e.Stage(w.t.Context(), work, o)
}

func TestStageRefuses(t *testing.T) {
	lost := errors.New("connection lost")
	for _, c := range []struct {
		title string
		spoil func(w *world, it *Item)
		kind  breach
		text  string
	}{
		{"other bytes", func(w *world, it *Item) {
			data := bytes.Clone(w.reg.layers[it.Layer.Digest])
			data[len(data)/2] ^= 1
			w.reg.layers[it.Layer.Digest] = data
		}, badDigest, "digest mismatch"},
		{"fewer bytes", func(w *world, it *Item) {
			w.reg.layers[it.Layer.Digest] = w.reg.layers[it.Layer.Digest][:50]
		}, badSize, "the registry sent 50"},
		{"no bytes", func(w *world, it *Item) { w.reg.layers[it.Layer.Digest] = nil }, badSize, "the registry sent 0"},
		{"more bytes", func(w *world, it *Item) {
			w.reg.layers[it.Layer.Digest] = append(bytes.Clone(w.reg.layers[it.Layer.Digest]), 0)
		}, badSize, "the registry sent more"},
		{"no end", func(w *world, it *Item) {
			w.reg.open = func(_ Layer, data []byte) (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(bytes.NewReader(data), endless{})), nil
			}
		}, badSize, "the registry sent more"},
		{"no driver", func(w *world, it *Item) { w.pack(it, targz(t, "README", "hi")) }, badArchive, `holds no "schemahero-postgres"`},
		{"data behind", func(w *world, it *Item) {
			w.pack(it, append(w.reg.layers[it.Layer.Digest], "and something more"...))
		}, badArchive, "other data at its end"},
		{"another executable", func(w *world, it *Item) { it.Layer.Executable = layerOf("x") }, badExecutable, "the archive holds sha256:"},
		{"connection lost", func(w *world, it *Item) {
			w.reg.open = func(_ Layer, data []byte) (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(bytes.NewReader(data[:70]), failing{lost})), nil
			}
		}, "", "connection lost"},
		{"connection cut", func(w *world, it *Item) {
			w.reg.open = func(_ Layer, data []byte) (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(bytes.NewReader(data[:70]), failing{io.ErrUnexpectedEOF})), nil
			}
		}, "", "unexpected EOF"},
		{"not there", func(w *world, it *Item) { delete(w.reg.layers, it.Layer.Digest) }, "", "not found"},
		{"no digest", func(w *world, it *Item) { it.Layer.Digest = "sha256:../../x" }, "", "invalid checksum digest"},
	} {
		t.Run(c.title, func(t *testing.T) {
			w := newWorld(t)
			old := w.publish("postgres", "0.9.0")
			w.sync("", old)
			it := w.publish("postgres", "1.0.0")
			c.spoil(w, &it)
			_, err := runSync(t.Context(), w.installer(), []Item{it}, PlaceOptions{})
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %q", err, c.text)
			}
			var bad *IntegrityError
			if errors.As(err, &bad) != (c.kind != "") || bad != nil && bad.Cause != c.kind {
				t.Errorf("got %#v, want kind %q", err, c.kind)
			}
			if f := Failures(err); len(f) != 1 || f[0].Item.Name != "postgres" {
				t.Errorf("failures: %v", f)
			}
			w.holds(old, "0.9.0")
			w.tidy()
			if it.Layer.Digest.Validate() == nil {
				if entry, ok := w.installer().store.lookup(it.Layer.Digest); ok {
					t.Errorf("it is in the store: %+v", entry)
				}
			}
		})
	}
}

// pack publishes other bytes for an item.
func (w *world) pack(it *Item, data []byte) {
	it.Layer.Digest, it.Layer.Size = digest.FromBytes(data), int64(len(data))
	w.reg.layers[it.Layer.Digest] = data
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// An entry made before the lock stated an executable is held against it too.
func TestStageHoldsTheStoreAgainstTheLock(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	w.sync("", it)
	it.Layer.Executable = layerOf("x")
	var bad *IntegrityError
	if err := w.stage(w.installer(), StageOptions{}, it); !errors.As(err, &bad) || bad.Cause != badExecutable {
		t.Errorf("got %v", err)
	}
}

// Whatever stands in the place of an entry's executable, a new one takes it.
func TestFolderInPlaceOfAnEntry(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	w.sync("", it)
	entry, _ := w.installer().store.lookup(it.Layer.Digest)
	os.Remove(entry.Path)
	os.MkdirAll(filepath.Join(entry.Path, "x"), 0o777)
	os.Remove(it.Path)
	w.sync("", it)
	w.holds(it, "1.0.0")
}

func TestStageFailures(t *testing.T) {
	w := newWorld(t)
	items := []Item{w.publish("a", "1.0.0"), w.publish("b", "1.0.0"), w.publish("c", "1.0.0"), w.publish("d", "1.0.0")}
	for _, it := range []Item{items[0], items[2]} {
		delete(w.reg.layers, it.Layer.Digest)
	}
	e := Open(w.home(), Options{Fetch: w.reg})
	e.limit = 1
	err := w.stage(e, StageOptions{}, items...)
	if f := Failures(err); len(f) != 1 || f[0].Item.Name != "a" || !errors.Is(err, artifact.ErrNotFound) || w.reg.fetches() != 1 {
		t.Errorf("%d fetches, %v", w.reg.fetches(), err)
	}
	err = w.stage(e, StageOptions{KeepGoing: true}, items...)
	if f := Failures(err); len(f) != 2 || f[0].Item.Name != "a" || f[1].Item.Name != "c" {
		t.Errorf("%v", err)
	}
	for _, it := range []Item{items[1], items[3]} {
		if _, ok := e.store.lookup(it.Layer.Digest); !ok {
			t.Errorf("%s was not staged", it.Name)
		}
	}
}

func TestStageTellsProgress(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	w.sync("", it)
	if need := w.events(EventNeed); len(need) != 1 || need[0].Total != it.Layer.Size || need[0].Layer != it.Layer {
		t.Errorf("%+v", need)
	}
	fetch := w.events(EventFetch)
	if last := fetch[len(fetch)-1]; last.Done != it.Layer.Size || last.Total != it.Layer.Size || last.Layer.Plugin != "postgres" {
		t.Errorf("%+v", last)
	}
	if len(w.events(EventStaged)) != 1 || len(w.events(EventPlaced)) != 1 {
		t.Errorf("%+v", w.told)
	}
}

// What is not done by the time of Ctrl-C ends, though the source waits.
func TestStageEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	it := w.publish("postgres", "1.0.0")
	reading := make(chan struct{})
	w.reg.open = func(Layer, []byte) (io.ReadCloser, error) {
		return &stuck{reading: reading, closed: make(chan struct{})}, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reading
		cancel()
	}()
	if _, err := runSync(ctx, w.installer(), []Item{it}, PlaceOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	w.tidy()
}

// stuck is a source that gives nothing until it is closed.
type stuck struct {
	reading, closed chan struct{}
	begun, ended    bool
}

func (s *stuck) Read([]byte) (int, error) {
	if !s.begun {
		s.begun = true
		close(s.reading)
	}
	<-s.closed
	return 0, os.ErrClosed
}

func (s *stuck) Close() error {
	if !s.ended {
		s.ended = true
		close(s.closed)
	}
	return nil
}
