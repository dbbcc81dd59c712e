package wire

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
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
