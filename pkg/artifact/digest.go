package artifact

import "strings"

// IsDigest reports whether s is "sha256:" and 64 lower-case hexadecimal digits,
// the only form that a lock holds.
func IsDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && isHex(hex, 64)
}

func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}
