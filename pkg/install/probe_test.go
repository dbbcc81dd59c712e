package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

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
		if err != nil || string(data) != content(it.Name, "2.0.0") || info.Mode() != 0o755 {
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
