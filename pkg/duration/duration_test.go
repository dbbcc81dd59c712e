package duration

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"72h": 72 * time.Hour, "3d": 72 * time.Hour, "1d12h": 36 * time.Hour, "0s": 0, "90m": 90 * time.Minute, "36500d": 36500 * 24 * time.Hour,
		"-1h": -1, "+1h": -1, "d": -1, "1.5d": -1, "1d1d": -1, "3": -1, "": -1, "99999d": -1, "36500d2500000h": -1, "1d-2h": -1,
	} {
		got, ok := Parse(text)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
}

func TestFormat(t *testing.T) {
	for d, want := range map[time.Duration]string{
		72 * time.Hour: "72h", 90 * time.Minute: "1h30m", 5*time.Minute + time.Second: "5m1s", time.Hour + time.Second: "1h0m1s",
		10 * time.Minute: "10m", 10 * time.Second: "10s", 0: "0s", 1499 * time.Millisecond: "1s",
	} {
		if got := Format(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
