package manifest

import "testing"

func TestWindowsNames(t *testing.T) {
	for dir, ok := range map[string]bool{
		"con": false, "a/NUL.txt/b": false, "lpt1": false, "COM9 .x": false, "a*b": false, "x.": false, "x./y": false, "x /y": false, `a"b`: false,
		"./x": true, "x/.": true, "console": true, "com0": true, "com10": true, ".x": true, "a b/c.d": true,
	} {
		if got := localProblemOn("windows", dir); (got == "") != ok {
			t.Errorf("%q on Windows: %q", dir, got)
		}
		if got := localProblemOn("linux", dir); got != "" {
			t.Errorf("%q on Linux: %q", dir, got)
		}
	}
}

func TestLockPathBySystem(t *testing.T) {
	for _, c := range []struct{ goos, file, want string }{
		{"linux", "d/x.toml", "d/x.lock"}, {"linux", "d/X.TOML", "d/X.TOML.lock"}, {"linux", "x", "x.lock"},
		{"windows", "d/X.TOML", "d/X.lock"}, {"windows", "x.toml", "x.lock"}, {"windows", "x.tomlx", "x.tomlx.lock"},
	} {
		if got := lockPath(c.goos, c.file); got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.file, c.goos, got, c.want)
		}
	}
}
