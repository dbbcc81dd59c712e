package probe

import (
	"strings"
	"testing"
)

// A driver that names a socket with an escape sequence in it does not reach the
// terminal with that.
func TestSocketName(t *testing.T) {
	address, err := parseHandshake("/driver", "1|1|unix|/none/\x1b[31m|netrpc|")
	if err != nil {
		t.Fatal(err)
	}
	_, err = connect(t.Context(), address)
	if err == nil {
		t.Fatal("connected")
	}
	if err = explain(err, &process{path: "/driver", stderr: &tail{}}); strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%q", err)
	}
}
