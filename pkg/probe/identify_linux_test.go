package probe

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// An executable for another libc fails to start as if it were not there.
func TestIdentifyMissingLoader(t *testing.T) {
	const loader = "/lib/ld-absent.so.1"
	path := filepath.Join(t.TempDir(), "musl")
	if err := os.WriteFile(path, elfFile(runtime.GOARCH, loader), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Identify(t.Context(), path)
	var l *LoaderError
	if !errors.As(err, &l) || l.Path != path || l.Loader != loader {
		t.Errorf("got %T %v, want a LoaderError that names %s", err, err, loader)
	}
}
