package disk

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The folders of those who run stay, those of others go.
func TestTempFolder(t *testing.T) {
	dir := t.TempDir()
	old := func(path string) {
		t.Helper()
		then := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"work-1", "work-mine", "other"} {
		if err := os.MkdirAll(filepath.Join(dir, name, "below"), 0o755); err != nil {
			t.Fatal(err)
		}
		old(filepath.Join(dir, name))
	}
	var d Disk
	first, removeFirst, err := d.TempFolder(dir, "work-")
	if err != nil {
		t.Fatal(err)
	}
	old(first)
	second, removeSecond, err := d.TempFolder(dir, "work-")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first); err != nil || first == second {
		t.Errorf("%s, %s: %v", first, second, err)
	}
	if err := os.WriteFile(filepath.Join(second, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	removeFirst()
	removeSecond()
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if err != nil || !slices.Equal(names, []string{"other", "work-mine"}) {
		t.Errorf("left: %v, %v", names, err)
	}
}
