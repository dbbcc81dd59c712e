package system

import "testing"

func TestAbs(t *testing.T) {
	for _, tt := range []struct{ dir, path, want string }{
		{`D:\w`, `x\..\y`, `D:\w\y`}, {`D:\w`, ``, `D:\w`}, {`D:\w`, `C:\a/b`, `C:\a\b`},
		{`D:\w`, `\home`, `D:\home`}, {`D:\w`, `/home`, `D:\home`}, {`\\host\share\w`, `/home`, `\\host\share\home`},
		{`D:\w`, `d:x`, `D:\w\x`}, {`D:\w`, `D:`, `D:\w`}, {`D:\w`, `\\host\share\x`, `\\host\share\x`},
	} {
		if got := Abs(tt.dir, tt.path); got != tt.want {
			t.Errorf("%q from %q is %q, want %q", tt.path, tt.dir, got, tt.want)
		}
	}
	if got := Abs(`\\host\share\w`, `C:x`); len(got) < 4 || got[:3] != `C:\` {
		t.Errorf("C:x from a share is %q", got)
	}
}
