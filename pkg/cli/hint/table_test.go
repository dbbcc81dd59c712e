package hint

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write docs/troubleshooting.md again")

// TestDocs compares docs/troubleshooting.md with the table. `make docs` writes it.
func TestDocs(t *testing.T) {
	file := filepath.Join("..", "..", "..", "docs", "troubleshooting.md")
	if *update {
		if err := os.WriteFile(file, []byte(Document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != Document() {
		t.Errorf("docs/troubleshooting.md is not current (%v); run `make docs`", err)
	}
}
