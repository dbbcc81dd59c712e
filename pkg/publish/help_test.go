package publish_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

var (
	amd64 = artifact.Platform{OS: "linux", Arch: "amd64"}
	arm64 = artifact.Platform{OS: "linux", Arch: "arm64"}
)

// elf returns the smallest file that has the header of an executable for
// Linux, with a text behind it.
func elf(arch, text string) []byte {
	machine := map[string]uint16{"amd64": 62, "arm64": 183}[arch]
	h := make([]byte, 64)
	copy(h, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(h[16:], 2) // ET_EXEC
	le.PutUint16(h[18:], machine)
	le.PutUint32(h[20:], 1)
	le.PutUint16(h[52:], 64) // size of this header
	return append(h, text...)
}

func write(t *testing.T, file string, data []byte, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
	return file
}

// release returns a release of two platforms whose executables hold text.
func release(t *testing.T, version, text string) publish.Release {
	t.Helper()
	dir := t.TempDir()
	return publish.Release{
		Name: "postgres", Version: version, Created: time.Date(2026, 11, 5, 7, 0, 0, 0, time.UTC),
		Files: map[artifact.Platform]string{
			amd64: write(t, filepath.Join(dir, "driver-amd64"), elf("amd64", text), 0o755),
			arm64: write(t, filepath.Join(dir, "driver-arm64"), elf("arm64", text), 0o755),
		},
	}
}

func push(t *testing.T, m *memory, r publish.Release) *publish.Report {
	t.Helper()
	report, err := publish.Push(t.Context(), m, r, publish.Options{Temp: t.TempDir()})
	if err != nil {
		t.Fatalf("push of %s: %v", r.Version, err)
	}
	return report
}
