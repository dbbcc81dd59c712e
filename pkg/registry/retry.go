package registry

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxTries      = 5
	mirrorTries   = 3                // of a mirror: the next source is likely to do better
	maxRetrying   = 30 * time.Second // from the first try to the start of the last, where there are more than two
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
	if !retriable(err) || a.mirror && timedOut(err) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	tries, longest := a.limits()
	var status *StatusError
	refused := errors.As(err, &status) && status.Storage != "" && status.Status < 500
	if refused {
		tries = 2 // an address that is signed anew; more of them would do no better
	}
	a.failed++
	if a.failed >= tries {
		return err
	}
	wait := firstDelay << (a.failed - 1)
	wait = wait/2 + time.Duration(c.jitter()*float64(wait))
	asked := status != nil && status.RetryAfter > 0
	switch {
	case asked:
		wait = status.RetryAfter
		a.waited += wait
		if a.waited > longest {
			return err
		}
	case c.now().Add(wait).Sub(a.start)-a.waited > maxRetrying && a.failed > 1:
		return err
	}
	c.stats.update(func(s *Stats) { s.Retries++ })
	c.event(Event{
		Kind: EventRetry, Host: host, Subject: what, Err: err, Wait: wait,
		Try: a.failed + 1, Tries: tries, RetryAfter: asked,
	})
	return c.sleep(ctx, wait)
}

// retriable reports whether the same request can be expected to go better the
// next time: what a server says of itself or of its limits, a connection that was
// cut or stands still, a name server that is out of order, a signed address that
// was refused. Refusals, what does not exist, wrong content, names that do not
// exist and ports on which nobody listens are not of this kind; nor is a token
// service that was tried as often as it is worth.
func retriable(err error) bool {
	if errors.As(err, new(*tokenError)) {
		return false
	}
	var status *StatusError
	if errors.As(err, &status) {
		return passing(status.Status) || status.Storage != "" && status.Status != http.StatusRequestedRangeNotSatisfiable
	}
	var cut *UnreachableError
	if !errors.As(err, &cut) {
		return false
	}
	var dns *net.DNSError
	var proxy *proxyError
	switch {
	case errors.As(cut.Err, &dns):
		return !dns.IsNotFound
	case errors.As(cut.Err, &proxy):
		return passing(proxy.status)
	}
	return cut.Cause == NetworkReset || cut.Cause == NetworkTimeout
}

// passing reports whether a status speaks of a state that will be over. Not
// Implemented is the one of its hundred that stays.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500 && status != http.StatusNotImplemented
}

func timedOut(err error) bool {
	var cut *UnreachableError
	return errors.As(err, &cut) && cut.Cause == NetworkTimeout
}

// retryAfter reads a Retry-After header: seconds or a date (RFC 9110, 10.2.3),
// which is held against the answer's own Date, since the clocks can differ. It
// returns 0 where there is none or it lies in the past.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		// Dates have whole seconds: half a second too early is a try wasted.
		return min(at.Sub(now), math.MaxInt32*time.Second).Truncate(time.Second) + time.Second
	}
	return 0
}
