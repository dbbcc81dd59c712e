package registry

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRetries(t *testing.T) {
	for _, status := range []int{408, 425, 429, 500, 502, 503, 504, 505, 520, 524, 530, 599} {
		r := newRig(t)
		desc, _ := r.manifest(t, "db/x", "one", "1.0.0")
		r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			return n < maxTries && refuse(w, status, "LATER")
		})
		var told events
		c, k := newClient(t, Options{Events: told.add})
		got, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0")
		if err != nil || got.Digest != desc.Digest {
			t.Errorf("%d: %v", status, err)
		}
		// Jitter of one half puts each wait on its mark.
		want := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
		if !slices.Equal(k.slept, want) {
			t.Errorf("%d: waits %v", status, k.slept)
		}
		retries := told.of(EventRetry)
		if len(retries) != 4 || retries[3].Try != 5 || retries[3].Tries != maxTries || retries[3].Wait != 4*time.Second || retries[3].RetryAfter || c.Stats().Retries != 4 {
			t.Errorf("%d: events %+v", status, retries)
		}
	}
}

func TestRetriesEnd(t *testing.T) {
	r := newRig(t)
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		return refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE")
	})
	c, _ := newClient(t, Options{})
	_, _, err := repository(t, c, r.host()+"/db/x").Manifest(context.Background(), "1.0.0")
	e := wantError[*StatusError](t, err)
	if e.Status != 503 || e.Host != r.host() || len(e.Codes) != 1 || e.Codes[0].Code != "UNAVAILABLE" || len(r.seen()) != maxTries {
		t.Errorf("%#v after %d requests", e, len(r.seen()))
	}
	// No try begins later than 30 s after the first.
	r.setFault(r.fault)
	c, k := newClient(t, Options{})
	c.o.Now = func() time.Time { return k.now().Add(time.Duration(len(r.seen())) * 12 * time.Second) }
	repository(t, c, r.host()+"/db/x").Manifest(context.Background(), "1.0.0")
	if n := len(r.seen()); n != 3 {
		t.Errorf("%d tries of 12 s", n)
	}
}

func TestNoRetries(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 405, 409, 416, 501} {
		r := newRig(t)
		r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool { return refuse(w, status, "NO") })
		c, k := newClient(t, Options{})
		_, _, err := repository(t, c, r.host()+"/db/x").Manifest(context.Background(), "1.0.0")
		if err == nil || len(r.seen()) != 1 || len(k.slept) != 0 {
			t.Errorf("%d: %v, requests %v", status, err, r.seen())
		}
	}
}

func TestRetryAfter(t *testing.T) {
	date := newClock().at.Add(90 * time.Second).Format(http.TimeFormat)
	for _, tc := range []struct {
		header string
		waits  []time.Duration
		fails  bool
	}{
		{"45", []time.Duration{45 * time.Second}, false},
		{date, []time.Duration{91 * time.Second}, false},
		{"0", []time.Duration{500 * time.Millisecond}, false},
		{newClock().at.Add(-time.Hour).Format(http.TimeFormat), []time.Duration{500 * time.Millisecond}, false},
		{"soon", []time.Duration{500 * time.Millisecond}, false},
		{"-5", []time.Duration{500 * time.Millisecond}, false},
		{"301", nil, true},
		{"99999999999999999999", []time.Duration{500 * time.Millisecond}, false},
	} {
		r := newRig(t)
		r.manifest(t, "db/x", "one", "1.0.0")
		r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Date", newClock().at.Format(http.TimeFormat))
			w.Header().Set("Retry-After", tc.header)
			return n == 1 && refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS")
		})
		var told events
		c, k := newClient(t, Options{Events: told.add})
		_, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0")
		if (err != nil) != tc.fails || !slices.Equal(k.slept, tc.waits) {
			t.Errorf("%q: waits %v, %v", tc.header, k.slept, err)
		}
		if tc.fails {
			if e := wantError[*StatusError](t, err); e.RetryAfter != 301*time.Second || !strings.Contains(err.Error(), "asks to wait 5m1s") {
				t.Errorf("error: %#v", e)
			}
		} else if ev := told.of(EventRetry)[0]; ev.RetryAfter != (tc.waits[0] > 10*time.Second) {
			t.Errorf("event: %+v", ev)
		}
	}
}

// A date is held against the answer's own: the clocks can differ.
func TestRetryAfterByTheServersClock(t *testing.T) {
	for _, off := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		server := newClock().at.Add(off)
		h := http.Header{"Date": {server.Format(http.TimeFormat)}, "Retry-After": {server.Add(20 * time.Second).Format(http.TimeFormat)}}
		if got := retryAfter(h, newClock().at); got != 21*time.Second {
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
		if err := classify(context.Background(), "h.example", "https", tc.err); retriable(err) != tc.want {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

type timeout struct{}

func (timeout) Error() string { return "net/http: TLS handshake timeout" }
func (timeout) Timeout() bool { return true }

// An answer that takes as long as all tries may is asked for once more, but not
// of a mirror.
func TestTimeoutIsRetried(t *testing.T) {
	r := newRig(t)
	r.manifest(t, "db/x", "one", "1.0.0")
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n == 1 {
			<-req.Context().Done()
		}
		return false
	})
	c, k := newClient(t, Options{HeaderTimeout: 50 * time.Millisecond})
	c.o.Now = func() time.Time { return k.now().Add(time.Duration(len(r.seen())) * 40 * time.Second) }
	if _, _, err := repository(t, c, r.host()+"/db/x").Manifest(context.Background(), "1.0.0"); err != nil || len(r.seen()) != 2 {
		t.Errorf("%v after %v", err, r.seen())
	}
	mirror := newRig(t)
	mirror.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool { <-req.Context().Done(); return true })
	c, k = newClient(t, Options{HeaderTimeout: 50 * time.Millisecond, Mirrors: []Mirror{{r.host(), []string{mirror.host()}}}})
	if _, _, err := repository(t, c, r.host()+"/db/x").Manifest(context.Background(), "1.0.0"); err != nil || len(mirror.seen()) != 1 || len(k.slept) != 0 {
		t.Errorf("%v after %v", err, mirror.seen())
	}
}

// Waiting as long as a registry asks does not use up the 30 s, and it is not
// done for ever.
func TestRetryAfterStorm(t *testing.T) {
	for seconds, requests := range map[int]int{60: 5, 100: 4} {
		r := newRig(t)
		r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Retry-After", strconv.Itoa(seconds))
			return refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS")
		})
		c, _ := newClient(t, Options{})
		_, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0")
		wantError[*StatusError](t, err)
		if n := len(r.seen()); n != requests {
			t.Errorf("Retry-After of %d s: %d requests, want %d", seconds, n, requests)
		}
	}
}

func TestResetIsRetried(t *testing.T) {
	r := newRig(t)
	_, data := r.manifest(t, "db/x", "one", "1.0.0")
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		switch n {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			r.cutAfter(50, w, req)
		}
		return false
	})
	c, k := newClient(t, Options{PlainHTTP: true})
	_, got, err := repository(t, c, r.host()+"/db/x").Manifest(context.Background(), "1.0.0")
	if err != nil || !bytes.Equal(got, data) || len(k.slept) != 2 {
		t.Errorf("%v, waits %v", err, k.slept)
	}
}

func TestCancelledWhileWaiting(t *testing.T) {
	r := newRig(t)
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool { return refuse(w, 503, "UNAVAILABLE") })
	ctx, cancel := context.WithCancel(context.Background())
	c, _ := newClient(t, Options{Events: func(e Event) {
		if e.Kind == EventRetry {
			cancel()
		}
	}})
	c.o.Sleep = nil // the real one
	_, err := repository(t, c, r.host()+"/db/x").Resolve(ctx, "1.0.0")
	if !errors.Is(err, context.Canceled) || len(r.seen()) != 1 {
		t.Errorf("%v after %d requests", err, len(r.seen()))
	}
}

func TestDeadline(t *testing.T) {
	r := newRig(t)
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool { <-req.Context().Done(); return true })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	c, k := newClient(t, Options{})
	_, err := repository(t, c, r.host()+"/db/x").Resolve(ctx, "1.0.0")
	if !errors.Is(err, context.DeadlineExceeded) || len(k.slept) != 0 {
		t.Errorf("%v, waits %v", err, k.slept)
	}
}

func TestQuota(t *testing.T) {
	r := newRig(t)
	r.manifest(t, "db/x", "one", "1.0.0")
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("ratelimit-limit", "100;w=21600")
		w.Header().Set("ratelimit-remaining", "76;w=21600")
		return false
	})
	c, _ := newClient(t, Options{})
	if _, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if got := c.Stats().Quota[r.host()]; got != (Quota{76, 100, 6 * time.Hour}) {
		t.Errorf("quota: %+v", got)
	}
}

func TestErrorCodesAreBounded(t *testing.T) {
	r := newRig(t)
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.WriteHeader(http.StatusTeapot)
		w.Write([]byte(`{"errors":[`))
		for range 6 {
			w.Write([]byte(`{"code":"A","message":"` + string(bytes.Repeat([]byte("é"), 500)) + `"},`))
		}
		w.Write([]byte(`{"code":"B"}]}`))
		return true
	})
	c, _ := newClient(t, Options{})
	_, _, err := repository(t, c, r.host()+"/db/x").Manifest(context.Background(), "1.0.0")
	if e := wantError[*StatusError](t, err); len(e.Codes) != maxErrorCodes || len(e.Error()) > 2000 {
		t.Errorf("%d codes, %d bytes", len(e.Codes), len(e.Error()))
	}
}
