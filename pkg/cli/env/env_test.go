package env

import (
	"strings"
	"testing"
)

func TestBase(t *testing.T) {
	// As kubectl on Windows calls it, and as its users do.
	for _, path := range []string{`C:/Users/u/bin/kubectl-schemahero_plugin.exe`, `KUBECTL-SCHEMAHERO_PLUGIN.EXE`} {
		if got := Base(path); !strings.EqualFold(got, "kubectl-schemahero_plugin") {
			t.Errorf("base of %s: %s", path, got)
		}
	}
}
