package artifact

import "strings"

// IsDigest tells whether s is "sha256:" and 64 lower-case hexadecimal digits,
// the only form that a lock holds.
func IsDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}
