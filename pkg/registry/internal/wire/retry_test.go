package wire

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"syscall"
	"testing"
	"time"
)

// A date is held against the answer's own: the clocks can differ.
func TestRetryAfterByTheServersClock(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, off := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		server := now.Add(off)
		h := http.Header{"Date": {server.Format(http.TimeFormat)}, "Retry-After": {server.Add(20 * time.Second).Format(http.TimeFormat)}}
		if got := retryAfter(h, now); got != 21*time.Second {
			t.Errorf("a clock that is off by %s: %s", off, got)
		}
	}
}

// More seconds than a number holds are as many, not none.
func TestRetryAfterOverflows(t *testing.T) {
	for text, want := range map[string]time.Duration{"99999999999999999999": math.MaxInt32 * time.Second, "-1": 0, "1.5": 0} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, time.Time{}); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestRetriable(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"no such host":          {&net.DNSError{Err: "no such host", IsNotFound: true}, false},
		"a failing resolver":    {&net.DNSError{Err: "server misbehaving", IsTemporary: true}, true},
		"a refusing one":        {&net.DNSError{Err: "server misbehaving"}, true},
		"one that is silent":    {&net.DNSError{Err: "i/o timeout", IsTimeout: true}, true},
		"refused":               {syscall.ECONNREFUSED, false},
		"reset":                 {syscall.ECONNRESET, true},
		"a handshake":           {&url.Error{Op: "Get", URL: "https://h.example", Err: timeout{}}, true},
		"a proxy with no room":  {&url.Error{Op: "Get", URL: "https://h.example", Err: &proxyError{503}}, true},
		"a proxy that will not": {&url.Error{Op: "Get", URL: "https://h.example", Err: &proxyError{403}}, false},
		"a certificate":         {errors.New("tls: failed to parse certificate from server: x509: negative serial number"), false},
	} {
		if err := classify(context.Background(), "h.example", "https", tc.err); Retriable(err) != tc.want {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

type timeout struct{}

func (timeout) Error() string { return "net/http: TLS handshake timeout" }
func (timeout) Timeout() bool { return true }

// A refused address is asked for again once, however often other things failed.
func TestRefusedAddressHasItsOwnTry(t *testing.T) {
	c := New(Options{Sleep: func(context.Context, time.Duration) error { return nil }})
	tries := c.Tries(false)
	cut := &UnreachableError{Host: "h.example", Cause: NetworkReset, Err: errors.New("cut")}
	refused := &StatusError{Host: "h.example", Storage: "s.example", Status: 403}
	for i, step := range []struct {
		err  error
		ends bool
	}{{cut, false}, {cut, false}, {refused, false}, {refused, true}} {
		if err := c.Pause(context.Background(), tries, "h.example", "x", step.err); (err != nil) != step.ends {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// Four hundred requests of clients that start at one moment, to a registry that
// takes fifty a second and sends the others away for a second: none gives up, they
// come back apart, and the registry is hardly ever idle.
func TestHerd(t *testing.T) {
	const herd, rate = 400, 50
	type client struct {
		tries *Tries
		at    time.Time
	}
	random := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	now := start
	var slept time.Duration
	c := New(Options{
		Now: func() time.Time { return now }, Jitter: random.Float64,
		Sleep: func(_ context.Context, d time.Duration) error { slept = d; return nil },
	})
	var waiting []client
	for range herd {
		waiting = append(waiting, client{c.Tries(false), start})
	}
	var served []time.Time
	requests, at := 0, map[time.Duration]int{}
	for len(waiting) > 0 {
		next := slices.MinFunc(waiting, func(a, b client) int { return a.at.Compare(b.at) })
		i := slices.Index(waiting, next)
		now = next.at
		requests++
		at[now.Sub(start).Truncate(100*time.Millisecond)]++
		if len(served) < rate || now.Sub(served[len(served)-rate]) >= time.Second {
			served = append(served, now)
			waiting = slices.Delete(waiting, i, i+1)
			continue
		}
		limited := &StatusError{Host: "h.example", Status: http.StatusTooManyRequests, RetryAfter: time.Second}
		if err := c.Pause(context.Background(), next.tries, "h.example", "x", limited); err != nil {
			t.Fatalf("gives up after %s: %v", now.Sub(start), err)
		}
		waiting[i].at = now.Add(slept)
	}
	if took, ideal := now.Sub(start), herd/rate*time.Second; took > ideal*13/10 || requests > 5*herd {
		t.Errorf("took %s of %s, and %d requests for %d", took, ideal, requests, herd)
	}
	delete(at, 0)
	if most := slices.MaxFunc(slices.Collect(maps.Values(at)), cmp.Compare[int]); most > herd/2 {
		t.Errorf("%d came back within a tenth of a second", most)
	}
}
