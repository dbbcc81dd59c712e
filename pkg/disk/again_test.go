package disk

import (
	"errors"
	"testing"
	"time"
)

func TestRetry(t *testing.T) {
	busy, broken := errors.New("busy"), errors.New("broken")
	held := func(err error) bool { return errors.Is(err, busy) }
	for _, tt := range []struct {
		name string
		fail func(n int) error // of the n-th try
		want error
		long bool
	}{
		{"at once", func(int) error { return nil }, nil, false},
		{"another reason", func(int) error { return broken }, broken, false},
		{"held for a while", func(n int) error {
			if n < 4 {
				return busy
			}
			return nil
		}, nil, false},
		{"held for good", func(int) error { return busy }, busy, true},
	} {
		tries, clock := 0, time.Duration(0)
		err := retry(func() error { tries++; return tt.fail(tries) }, held,
			func() time.Time { return time.Unix(0, 0).Add(clock) }, func(d time.Duration) { clock += d })
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v after %d tries", tt.name, err, tries)
		}
		if clock > patience || tt.long && clock < patience*9/10 {
			t.Errorf("%s: waited %s", tt.name, clock)
		}
	}
}
