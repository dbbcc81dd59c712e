package env

import "testing"

func TestExeOn(t *testing.T) {
	for goos, want := range map[string]string{"windows": "kubectl-x.exe", "linux": "kubectl-x", "darwin": "kubectl-x"} {
		if got := exeOn(goos, "kubectl-x"); got != want {
			t.Errorf("%s: %s", goos, got)
		}
	}
	// As kubectl on Windows calls it.
	if got := Base(`C:/Users/u/bin/kubectl-schemahero_plugin.exe`); got != "kubectl-schemahero_plugin" {
		t.Errorf("base: %s", got)
	}
}
