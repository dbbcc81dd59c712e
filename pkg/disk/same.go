package disk

import "os"

// SameFile reports whether two names lead to one file, through whatever links.
func SameFile(x, y string) bool {
	a, err := os.Stat(x)
	if err != nil {
		return false
	}
	b, err := os.Stat(y)
	return err == nil && os.SameFile(a, b)
}
