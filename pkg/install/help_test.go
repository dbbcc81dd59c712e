package install

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

var every = flag.Bool("every", false, "fail or kill at each point, not only at some")

var epoch = time.Unix(1e9, 0)

func layerOf(s string) digest.Digest { return digest.FromString(s) }

// receiptFiles returns the receipts of a home, given a file in its plugins.
func receiptFiles(t *testing.T, plugin string) []string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(plugin)), "receipts", "*.json"))
	if len(files) == 0 {
		t.Fatal("there are no receipts")
	}
	return files
}

// runSync is a sync as the façade does it.
func runSync(ctx context.Context, e *Engine, items []Item, o PlaceOptions) (Report, error) {
	work, err := e.Inspect(ctx, items)
	if err != nil {
		return Report{}, err
	}
	if err := e.CheckPlace(work, o.Force); err != nil && !o.KeepGoing {
		return Report{}, err
	}
	if err := e.Stage(ctx, work, StageOptions{KeepGoing: o.KeepGoing, Refetch: o.Again}); err != nil && !o.KeepGoing {
		return Report{}, err
	}
	hold, err := e.Lock(ctx)
	if err != nil {
		return Report{}, err
	}
	defer hold.Unlock()
	return hold.Place(ctx, items, o)
}

func (w *world) sync(claim Claim, items ...Item) Report {
	w.t.Helper()
	r, err := runSync(w.t.Context(), w.engine(), items, PlaceOptions{Claim: claim})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) states(e *Engine, items ...Item) string {
	w.t.Helper()
	all, err := e.Inspect(w.t.Context(), items)
	if err != nil {
		w.t.Fatal(err)
	}
	return stateText(all)
}

func stateText(all []Status) string {
	var out []string
	for _, s := range all {
		text := s.Name + ":" + string(s.State)
		if (s.State == OK || s.mode) && s.record != recorded {
			text += "?"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func actions(r Report) string {
	var out []string
	for _, p := range r.Placed {
		out = append(out, p.Item.Name+":"+string(p.Action))
	}
	return strings.Join(out, " ")
}

func write(t testing.TB, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o755); err != nil {
		t.Fatal(err)
	}
}

// tidy fails the test if temporary files or locks on layers lie about.
func (w *world) tidy() {
	w.t.Helper()
	filepath.WalkDir(filepath.Dir(w.dir), func(path string, d os.DirEntry, err error) error {
		if err == nil && (strings.Contains(d.Name(), ".tmp") || strings.HasPrefix(d.Name(), "sha256-")) {
			w.t.Errorf("%s was left behind", path)
		}
		return nil
	})
}
