package disk_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
)

// Lines are added up to the limit, and over it the file begins again.
func TestNote(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "notes")
	for _, want := range []string{"12\n", "12\n12\n", "12\n12\n12\n", "12\n"} {
		if err := (disk.Disk{}).Note(file, []byte("12\n"), 6); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if err := (disk.Disk{}).Note(filepath.Join(file, "below"), []byte("12\n"), 6); err == nil {
		t.Error("written below a file")
	}
}
