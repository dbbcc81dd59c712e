package registry

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func TestRetries(t *testing.T) {
	for _, status := range []int{408, 425, 429, 500, 502, 503, 504, 505, 520, 524, 530, 599} {
		r := registrytest.New(t)
		desc, _ := r.Manifest(t, "db/x", "one", "1.0.0")
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			return n < wire.MaxTries && refuse(w, status, "LATER")
		})
		var told events
		c, k := newClient(t, Options{Events: told.add})
		got, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
		if err != nil || got.Digest != desc.Digest {
			t.Errorf("%d: %v", status, err)
		}
		// Jitter of one half puts each wait on its mark.
		want := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
		if !slices.Equal(k.slept, want) {
			t.Errorf("%d: waits %v", status, k.slept)
		}
		retries := told.of(EventRetry)
		if len(retries) != 4 || retries[3].Try != 5 || retries[3].Tries != wire.MaxTries || retries[3].Wait != 4*time.Second || retries[3].RetryAfter || c.Stats().Retries != 4 {
			t.Errorf("%d: events %+v", status, retries)
		}
	}
}

func TestRetriesEnd(t *testing.T) {
	r := registrytest.New(t)
	unavailable := func(n int, w http.ResponseWriter, req *http.Request) bool {
		return refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE")
	}
	r.SetFault(unavailable)
	c, _ := newClient(t, Options{})
	_, _, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0")
	e := wantError[*StatusError](t, err)
	if e.Status != 503 || e.Host != r.Host() || len(e.Codes) != 1 || e.Codes[0].Code != "UNAVAILABLE" || len(r.Seen()) != wire.MaxTries {
		t.Errorf("%#v after %d requests", e, len(r.Seen()))
	}
	// No try begins later than 30 s after the first.
	r.SetFault(unavailable)
	k := newClock()
	c, _ = newClient(t, Options{tests: wire.Options{Sleep: k.sleep, Now: func() time.Time { return k.now().Add(time.Duration(len(r.Seen())) * 12 * time.Second) }}})
	repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0")
	if n := len(r.Seen()); n != 3 {
		t.Errorf("%d tries of 12 s", n)
	}
}

func TestNoRetries(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 405, 409, 416, 501} {
		r := registrytest.New(t)
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool { return refuse(w, status, "NO") })
		c, k := newClient(t, Options{})
		_, _, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0")
		if err == nil || len(r.Seen()) != 1 || len(k.slept) != 0 {
			t.Errorf("%d: %v, requests %v", status, err, r.Seen())
		}
	}
}

func TestRetryAfter(t *testing.T) {
	date := newClock().at.Add(90 * time.Second).Format(http.TimeFormat)
	for _, tc := range []struct {
		header string
		waits  []time.Duration
		asks   time.Duration // too long: told, and not waited for
	}{
		// Half of what waits are spread by comes on top.
		{"45", []time.Duration{45 * time.Second * 5 / 4}, 0},
		{date, []time.Duration{91*time.Second + 15*time.Second}, 0},
		{"300", []time.Duration{300*time.Second + 15*time.Second}, 0},
		{"0", []time.Duration{500 * time.Millisecond}, 0},
		{newClock().at.Add(-time.Hour).Format(http.TimeFormat), []time.Duration{500 * time.Millisecond}, 0},
		{"soon", []time.Duration{500 * time.Millisecond}, 0},
		{"-5", []time.Duration{500 * time.Millisecond}, 0},
		{"301", nil, 301 * time.Second},
		{"99999999999999999999", nil, math.MaxInt32 * time.Second},
	} {
		r := registrytest.New(t)
		r.Manifest(t, "db/x", "one", "1.0.0")
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Date", newClock().at.Format(http.TimeFormat))
			w.Header().Set("Retry-After", tc.header)
			return n == 1 && refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS")
		})
		var told events
		c, k := newClient(t, Options{Events: told.add})
		_, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
		if (err != nil) != (tc.asks > 0) || !slices.Equal(k.slept, tc.waits) {
			t.Errorf("%q: waits %v, %v", tc.header, k.slept, err)
		}
		if tc.asks > 0 {
			if e := wantError[*StatusError](t, err); e.RetryAfter != tc.asks || !strings.Contains(err.Error(), "asks to wait "+tc.asks.String()) {
				t.Errorf("error: %#v", e)
			}
		} else if ev := told.of(EventRetry)[0]; ev.RetryAfter != (tc.waits[0] > 10*time.Second) || ev.RetryAfter != (ev.Tries == 0) {
			t.Errorf("event: %+v", ev)
		}
	}
}

// An answer that takes as long as all tries may is asked for once more, but not
// of a mirror.
func TestTimeoutIsRetried(t *testing.T) {
	r := registrytest.New(t)
	r.Manifest(t, "db/x", "one", "1.0.0")
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n == 1 {
			<-req.Context().Done()
		}
		return false
	})
	k := newClock()
	c, _ := newClient(t, Options{tests: wire.Options{HeaderTimeout: 50 * time.Millisecond, Sleep: k.sleep, Now: func() time.Time { return k.now().Add(time.Duration(len(r.Seen())) * 40 * time.Second) }}})
	if _, _, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0"); err != nil || len(r.Seen()) != 2 {
		t.Errorf("%v after %v", err, r.Seen())
	}
	mirror := registrytest.New(t)
	mirror.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool { <-req.Context().Done(); return true })
	c, k = newClient(t, Options{tests: wire.Options{HeaderTimeout: 50 * time.Millisecond}, Mirrors: []Mirror{{Prefix: r.Host(), Targets: []string{mirror.Host()}}}})
	if _, _, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0"); err != nil || len(mirror.Seen()) != 1 || len(k.slept) != 0 {
		t.Errorf("%v after %v", err, mirror.Seen())
	}
}

// Waiting as long as a registry asks uses up neither the tries nor the 30 s, and it
// is not done for ever.
func TestRetryAfterStorm(t *testing.T) {
	for _, tc := range []struct {
		status, seconds, refusals, requests int
		waited                              string
	}{
		{429, 1, 20, 21, ""},
		{503, 1, 20, 21, ""},
		{429, 60, 100, 5, "; waited 5m0s as it asked"},
		{429, 100, 100, 3, "; waited 3m50s as it asked"},
	} {
		r := registrytest.New(t)
		desc, _ := r.Manifest(t, "db/x", "one", "1.0.0")
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Retry-After", strconv.Itoa(tc.seconds))
			return n <= tc.refusals && refuse(w, tc.status, "LATER")
		})
		c, _ := newClient(t, Options{})
		got, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
		if tc.waited == "" && (err != nil || got.Digest != desc.Digest) {
			t.Errorf("%d, Retry-After of %d s: %v", tc.status, tc.seconds, err)
		}
		if tc.waited != "" && !strings.HasSuffix(wantError[*StatusError](t, err).Error(), tc.waited) {
			t.Errorf("%d, Retry-After of %d s: %v, want %q", tc.status, tc.seconds, err, tc.waited)
		}
		if n := len(r.Seen()); n != tc.requests {
			t.Errorf("%d, Retry-After of %d s: %d requests, want %d", tc.status, tc.seconds, n, tc.requests)
		}
	}
}

// What breaks down between two waits that were asked for has tries of its own.
func TestRetryAfterBetweenFailures(t *testing.T) {
	r := registrytest.New(t)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n%2 == 1 {
			w.Header().Set("Retry-After", "1")
			return refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS")
		}
		return refuse(w, http.StatusBadGateway, "UNAVAILABLE")
	})
	c, _ := newClient(t, Options{})
	_, _, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0")
	if e := wantError[*StatusError](t, err); e.Status != http.StatusBadGateway || len(r.Seen()) != 2*wire.MaxTries {
		t.Errorf("%v after %d requests", err, len(r.Seen()))
	}
}

func TestResetIsRetried(t *testing.T) {
	r := registrytest.New(t)
	_, data := r.Manifest(t, "db/x", "one", "1.0.0")
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		switch n {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			r.CutAfter(50, w, req)
		}
		return false
	})
	c, k := newClient(t, Options{PlainHTTP: true})
	_, got, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0")
	if err != nil || !bytes.Equal(got, data) || len(k.slept) != 2 {
		t.Errorf("%v, waits %v", err, k.slept)
	}
}

func TestCancelledWhileWaiting(t *testing.T) {
	r := registrytest.New(t)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool { return refuse(w, 503, "UNAVAILABLE") })
	ctx, cancel := context.WithCancel(context.Background())
	realSleep := func(ctx context.Context, d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c, _ := newClient(t, Options{tests: wire.Options{Sleep: realSleep}, Events: func(e Event) {
		if e.Kind == EventRetry {
			cancel()
		}
	}})
	_, err := repository(t, c, r.Host()+"/db/x").Resolve(ctx, "1.0.0")
	if !errors.Is(err, context.Canceled) || len(r.Seen()) != 1 {
		t.Errorf("%v after %d requests", err, len(r.Seen()))
	}
}

func TestDeadline(t *testing.T) {
	r := registrytest.New(t)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool { <-req.Context().Done(); return true })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	c, k := newClient(t, Options{})
	_, err := repository(t, c, r.Host()+"/db/x").Resolve(ctx, "1.0.0")
	if !errors.Is(err, context.DeadlineExceeded) || len(k.slept) != 0 {
		t.Errorf("%v, waits %v", err, k.slept)
	}
}

func TestQuota(t *testing.T) {
	r := registrytest.New(t)
	r.Manifest(t, "db/x", "one", "1.0.0")
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("ratelimit-limit", "100;w=21600")
		w.Header().Set("ratelimit-remaining", "76;w=21600")
		return false
	})
	c, _ := newClient(t, Options{})
	if _, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0"); err != nil {
		t.Fatal(err)
	}
	if got := c.Stats().Quota[r.Host()]; got != (wire.Quota{Remaining: 76, Limit: 100, Window: 6 * time.Hour}) {
		t.Errorf("quota: %+v", got)
	}
}

func TestErrorCodesAreBounded(t *testing.T) {
	r := registrytest.New(t)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.WriteHeader(http.StatusTeapot)
		w.Write([]byte(`{"errors":[`))
		for range 6 {
			w.Write([]byte(`{"code":"A","message":"` + string(bytes.Repeat([]byte("é"), 500)) + `"},`))
		}
		w.Write([]byte(`{"code":"B"}]}`))
		return true
	})
	c, _ := newClient(t, Options{})
	_, _, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0")
	if e := wantError[*StatusError](t, err); len(e.Codes) != 5 || len(e.Error()) > 2000 {
		t.Errorf("%d codes, %d bytes", len(e.Codes), len(e.Error()))
	}
}
