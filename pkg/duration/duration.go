// Package duration reads and writes durations as people do: in days too, and
// without what is zero.
package duration

import (
	"strconv"
	"strings"
	"time"
)

// Parse is time.ParseDuration for what is not negative, with whole days in
// front: "3d", "1d12h".
func Parse(s string) (time.Duration, bool) {
	var sum time.Duration
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n > 36500 { // a century; more would overflow in the end
			return 0, false
		}
		sum = time.Duration(n) * 24 * time.Hour
		if s = rest; s == "" {
			return sum, true
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || s[0] == '+' || sum+d < sum {
		return 0, false
	}
	return sum + d, true
}

// Format writes a duration to the second, without what is zero at its end: 72h,
// 5m1s.
func Format(d time.Duration) string {
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
