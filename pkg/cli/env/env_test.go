package env

import "testing"

func TestBase(t *testing.T) {
	// As kubectl on Windows calls it.
	if got := Base(`C:/Users/u/bin/kubectl-schemahero_plugin.exe`); got != "kubectl-schemahero_plugin" {
		t.Errorf("base: %s", got)
	}
}
