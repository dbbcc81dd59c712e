package registry

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxTries      = 5
	mirrorTries   = 3                // of a mirror: the next source is likely to do better
	maxRetrying   = 30 * time.Second // from the first try to the start of the last
	firstDelay    = 500 * time.Millisecond
	maxRetryAfter = 5 * time.Minute // more than this is not waited for
)

// attempts counts the tries of one thing that somebody waits for.
type attempts struct {
	failed int
	start  time.Time     // when the first try began
	waited time.Duration // what Retry-After asked for: it does not count
	mirror bool          // somebody else can be asked instead
}

func (a *attempts) limits() (tries int, wait time.Duration) {
	if a.mirror {
		return mirrorTries, maxRetrying
	}
	return maxTries, maxRetryAfter
}

func (c *Client) now() time.Time {
	if c.o.Now != nil {
		return c.o.Now()
	}
	return time.Now()
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.o.Sleep != nil {
		return c.o.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) jitter() float64 {
	if c.o.Jitter != nil {
		return c.o.Jitter()
	}
	return rand.Float64()
}

// pause waits before the next try after err, or returns err where there is to
// be none, or the context's error.
func (c *Client) pause(ctx context.Context, a *attempts, host, what string, err error) error {
	if !retriable(err) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	tries, longest := a.limits()
	a.failed++
	if a.failed >= tries {
		return err
	}
	wait := firstDelay << (a.failed - 1)
	wait = wait/2 + time.Duration(c.jitter()*float64(wait))
	var status *StatusError
	asked := errors.As(err, &status) && status.RetryAfter > 0
	switch {
	case asked:
		wait = status.RetryAfter
		a.waited += wait
		if a.waited > longest {
			return err
		}
	case c.now().Add(wait).Sub(a.start)-a.waited > maxRetrying:
		return err
	}
	c.stats.update(func(s *Stats) { s.Retries++ })
	c.event(Event{
		Kind: EventRetry, Host: host, Subject: what, Err: err, Wait: wait,
		Try: a.failed + 1, Tries: tries, RetryAfter: asked,
	})
	return c.sleep(ctx, wait)
}

// retriable tells whether the same request can be expected to go better the
// next time. Refusals, what does not exist, wrong content, names that do not
// resolve and ports on which nobody listens are not of this kind; nor is a token
// service that was tried as often as it is worth.
func retriable(err error) bool {
	var tried *tokenError
	if errors.As(err, &tried) {
		return false
	}
	var status *StatusError
	if errors.As(err, &status) {
		switch status.Status {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	var cut *UnreachableError
	return errors.As(err, &cut) && (cut.Cause == NetworkReset || errors.Is(cut.Err, errStalled))
}

// retryAfter reads a Retry-After header: seconds or a date (RFC 9110, 10.2.3).
// It returns 0 where there is none or it lies in the past.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		// Dates have whole seconds: half a second too early is a try wasted.
		return min(at.Sub(now), math.MaxInt32*time.Second).Truncate(time.Second) + time.Second
	}
	return 0
}
