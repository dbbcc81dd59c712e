package install

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"reflect"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// FuzzReceipt puts arbitrary bytes where a receipt belongs. Whatever they say,
// nothing crashes, only its own path is looked at, and a sync repairs.
func FuzzReceipt(f *testing.F) {
	w := newWorld(f)
	it, foreign := w.publish("postgres", "1.0.0"), w.publish("mysql", "1.0.0")
	w.sync("/a.lock", it)
	write(f, foreign.Path, "by hand")
	e := w.installer()
	file := e.receiptFile(it.Path)
	good, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	if _, ok := parseWritten(string(good)); !ok && !bytes.Contains(good, []byte(`\\`)) { // one with a backslash takes the long way
		f.Errorf("not read as it was written: %s", good)
	}
	zero := bytes.Replace(good, []byte(`"size": `), []byte(`"size": 0`), 1)
	escaped := bytes.Replace(good, []byte(`"name": "`), []byte(`"name": "\\`), 1)
	for _, s := range []string{string(good), string(zero), string(escaped), "", "{", "null", "[]", `{"path":"/x","layer":"sha256:../..","sha256":"x"}`, `{"claims":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w.t = t
		if r, ok := parseWritten(string(data)); ok {
			var said Receipt
			if err := json.Unmarshal(data, &said); err != nil || !reflect.DeepEqual(r, said) {
				t.Errorf("read as %+v, and JSON says %+v, %v", r, said, err)
			}
		}
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

// A file system with modes of its own gives a file another one than was asked
// for, and would for ever: what it gave is what is expected.
func TestReceiptKnowsMode(t *testing.T) {
	var r Receipt
	for given, want := range map[fs.FileMode]fs.FileMode{placedMode: placedMode, 0o777: 0o777, 0o755 | fs.ModeSetgid: 0o755 | fs.ModeSetgid} {
		r.vouch(disk.Stat{Mode: given})
		if !executableBits {
			want = placedMode
		}
		if got := r.mode(); got != want {
			t.Errorf("placed as %v: expects %v", given, got)
		}
	}
	if got := (*Receipt)(nil).mode(); got != placedMode {
		t.Errorf("without a receipt: expects %v", got)
	}
}
