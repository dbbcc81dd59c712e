package install

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

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
