package link

import (
	"os"
	"path/filepath"
	"testing"
)

func TestExeOn(t *testing.T) {
	for goos, want := range map[string]string{"windows": "kubectl-x.exe", "linux": "kubectl-x", "darwin": "kubectl-x"} {
		if got := exeOn(goos, "kubectl-x"); got != want {
			t.Errorf("%s: %s", goos, got)
		}
	}
}

// A folder of the PATH is the folder asked for by whatever way it is named.
func TestBefore(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	for _, d := range []string{bin, filepath.Join(dir, "other")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	alias := filepath.Join(dir, "alias")
	if err := os.Symlink(bin, alias); err != nil {
		t.Skip("no links here: ", err)
	}
	other, separator := filepath.Join(dir, "other"), string(os.PathListSeparator)
	for list, quiet := range map[string]bool{
		bin:                              true,
		bin + string(os.PathSeparator):   true,
		other + separator + alias:        true,
		separator + other + separator:    false,
		"":                               false,
		filepath.Join(dir, "bin", "bin"): false,
	} {
		f := Folder{Dir: bin}
		if found, first := f.Before(list, f.Main()); found != quiet || first != "" {
			t.Errorf("PATH %q: %v, %q", list, found, first)
		}
	}
}
