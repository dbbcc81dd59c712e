package machine

import (
	"os/exec"
	"strings"
	"testing"
)

func TestUnfound(t *testing.T) {
	dot := &exec.Error{Name: "t.bat", Err: exec.ErrDot}
	for _, c := range []struct {
		goos string
		err  error
		want string
	}{
		{"windows", nil, ""}, {"linux", dot, ""},
		{"windows", dot, `write .\t.bat`},
		{"linux", &exec.Error{Name: "t.bat", Err: exec.ErrNotFound}, "t.bat: no such command"},
	} {
		err := unfound(c.goos, "t.bat", c.err)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v on %s: %v, want %q", c.err, c.goos, err, c.want)
		}
	}
}
