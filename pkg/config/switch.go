package config

import "strings"

// IsSet reads the value of an environment variable that is a switch: empty, 0,
// false, f, no, n and off are not set, in any case, and every other word is.
func IsSet(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "0", "false", "f", "no", "n", "off":
		return false
	}
	return true
}
