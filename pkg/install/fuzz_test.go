package install

import (
	"os"
	"testing"
)

// FuzzReceipt puts arbitrary bytes where a receipt belongs. Whatever they say,
// nothing crashes, only its own path is looked at, and a sync repairs.
func FuzzReceipt(f *testing.F) {
	w := newWorld(f)
	it, foreign := w.publish("postgres", "1.0.0"), w.publish("mysql", "1.0.0")
	w.sync("/a.lock", it)
	write(f, foreign.Path, "by hand")
	e := w.engine()
	file := e.receiptFile(it.Path)
	good, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(good), "", "{", "null", "[]", `{"path":"/x","layer":"sha256:../..","sha256":"x"}`, `{"claims":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w.t = t
		write(t, file, string(data))
		if _, err := e.Unused(); err != nil {
			t.Error(err)
		}
		for _, r := range must(e.Receipts())(t) {
			if r.Path != it.Path {
				t.Errorf("a receipt for %s", r.Path)
			}
		}
		if got := w.states(e, foreign); got != "mysql:foreign" {
			t.Error(got)
		}
		w.sync("/b.lock", it)
		w.holds(it, "1.0.0")
		all, err := e.Inspect(t.Context(), []Item{it})
		if err != nil || !all[0].Settled("/b.lock") {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return v
	}
}
