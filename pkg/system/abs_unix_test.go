//go:build unix

package system

import "testing"

func TestAbs(t *testing.T) {
	for path, want := range map[string]string{"x/../y": "/w/y", "/a/b/": "/a/b", "": "/w", "C:x": "/w/C:x", `\x`: `/w/\x`} {
		if got := Abs("/w", path); got != want {
			t.Errorf("%q is %q, want %q", path, got, want)
		}
	}
}
