package system

import (
	"fmt"
	"io/fs"
	"slices"
	"syscall"
	"testing"
)

func TestEnvironment(t *testing.T) {
	env := []string{"Path=a", "PATH=b", "cc_linux_arm64=c", "bare"}
	for _, tt := range []struct{ goos, key, want string }{
		{"linux", "PATH", "b"}, {"linux", "Path", "a"}, {"linux", "path", ""}, {"linux", "CC_linux_arm64", ""},
		{"windows", "path", "b"}, {"windows", "CC_linux_arm64", "c"}, {"windows", "bare", ""},
	} {
		if got := getenv(tt.goos, env, tt.key); got != tt.want {
			t.Errorf("%s on %s is %q, want %q", tt.key, tt.goos, got, tt.want)
		}
	}
	if got := unset("windows", env, []string{"PATH", "BARE"}); !slices.Equal(got, []string{"cc_linux_arm64=c"}) {
		t.Errorf("left on Windows: %q", got)
	}
	if got := unset("linux", env, []string{"PATH", "BARE"}); !slices.Equal(got, []string{"Path=a", "cc_linux_arm64=c", "bare"}) {
		t.Errorf("left on Linux: %q", got)
	}
}

func TestIs(t *testing.T) {
	for _, tt := range []struct {
		number syscall.Errno
		is     syscall.Errno
	}{
		{10061, syscall.ECONNREFUSED}, {10054, syscall.ECONNRESET}, {10060, syscall.ETIMEDOUT},
		{112, syscall.ENOSPC}, {109, syscall.EPIPE}, {232, syscall.EPIPE}, {32, syscall.ETXTBSY}, {5, syscall.EACCES},
		{267, syscall.ENOTDIR}, {19, syscall.EROFS},
	} {
		err := fmt.Errorf("wrapped: %w", &fs.PathError{Op: "write", Path: "x", Err: tt.number})
		if !isOn("windows", err, tt.is) {
			t.Errorf("%d is not %v on Windows", tt.number, tt.is)
		}
		if isOn("linux", err, tt.is) {
			t.Errorf("%d is %v on Linux", tt.number, tt.is)
		}
		if isOn("windows", err, syscall.EXDEV) {
			t.Errorf("%d is anything", tt.number)
		}
	}
	if !isOn("linux", fmt.Errorf("wrapped: %w", syscall.ENOSPC), syscall.ENOSPC) {
		t.Error("a number is not itself")
	}
}

func TestAdministrates(t *testing.T) {
	for sid, want := range map[string]bool{"S-1-5-32-544": true, "S-1-5-18": true, "S-1-5-32-545": false, "S-1-5-21-1-2-3-1001": false, "": false} {
		if administrates(sid) != want {
			t.Errorf("%q: %v", sid, !want)
		}
	}
}
