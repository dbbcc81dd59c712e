package wire

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

// How often a thing is tried.
const (
	MaxTries      = 5
	MirrorTries   = 3                // if there is a fallback: it is likely to do better
	maxRetrying   = 30 * time.Second // from the first try to the start of the last, if there are more than two
	firstDelay    = 500 * time.Millisecond
	maxRetryAfter = 5 * time.Minute // more than this, in all, is not waited for because a registry asks to
)

// Tries counts the tries of one thing that somebody waits for.
type Tries struct {
	failed      int
	start       time.Time     // when the first try began, zero if the next failure counts as that
	waited      time.Duration // because Retry-After asked to: it does not count
	refused     bool          // a storage has refused the address that the registry signed
	hasFallback bool          // somebody else can be asked instead
}

// Tries returns a count that begins now. If somebody else can be asked
// instead, they are fewer.
func (c *Client) Tries(hasFallback bool) *Tries {
	return &Tries{start: c.Now(), hasFallback: hasFallback}
}

// Progressed says that the tries brought something: the time for them begins
// with the next failure. enough says that all of them may be used again.
func (t *Tries) Progressed(enough bool) {
	t.start = time.Time{}
	if enough {
		t.failed, t.refused, t.waited = 0, false, 0
	}
}

func (t *Tries) limits() (tries int, wait time.Duration) {
	if t.hasFallback {
		return MirrorTries, maxRetrying
	}
	return MaxTries, maxRetryAfter
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.o.Sleep != nil {
		return c.o.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
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

// Retry calls try until it succeeds, fails in a way that will not pass, or has
// failed as often as it may.
func (c *Client) Retry(ctx context.Context, t *Tries, host, what string, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		if err = c.Pause(ctx, t, host, what, err); err != nil {
			return err
		}
	}
}

// Pause waits before the next try after err, or returns err if there is to
// be none, or the context's error.
func (c *Client) Pause(ctx context.Context, t *Tries, host, what string, err error) error {
	if !Retriable(err) || t.hasFallback && timedOut(err) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if t.start.IsZero() {
		t.start = c.Now()
	}
	tries, longest := t.limits()
	var status *StatusError
	refused := errors.As(err, &status) && status.Storage != "" && !Passing(status.Status)
	asked := status != nil && status.RetryAfter > 0
	// A registry that says when to come is not out of order, and many may have to wait
	// for their turn. Of a source that is not the last only a limit is taken for that.
	counts := !asked || t.hasFallback && status.Status != http.StatusTooManyRequests
	if counts {
		t.failed++
	}
	if t.failed >= tries || refused && t.refused {
		return err // an address that is signed again is worth one try
	}
	t.refused = t.refused || refused
	wait := firstDelay << max(0, t.failed-1)
	if t.hasFallback && Unreachable(err) {
		wait /= 10 // a single connection may have been cut; a host that is gone is left at once
	}
	wait = wait/2 + time.Duration(c.jitter()*float64(wait))
	switch {
	case asked:
		if t.waited+status.RetryAfter > longest {
			status.Waited = t.waited
			return err
		}
		// All who were sent away were told the same: they would come back together, most
		// of them to be sent away again.
		spread := min(status.RetryAfter/2, maxRetrying)
		wait = status.RetryAfter + time.Duration(c.jitter()*float64(spread))
		t.waited += wait
	case c.Now().Add(wait).Sub(t.start)-t.waited > maxRetrying && t.failed > 1:
		return err
	}
	ev := Event{Kind: EventRetry, Host: host, Subject: what, Err: err, Wait: wait, RetryAfter: asked}
	if counts {
		ev.Try, ev.Tries = t.failed+1, tries
	}
	c.Count(func(s *Stats) { s.Retries++ })
	c.Event(ev)
	return c.sleep(ctx, wait)
}

// Retriable reports whether the same request can be expected to go better the
// next time: a server out of order or at its limits, a connection that was
// cut or stands still, a name server that is out of order, a signed address that
// was refused. Refusals, what does not exist, wrong content, names that do not
// exist and ports on which nobody listens are not of this kind; nor is a token
// service whose tries are used up.
func Retriable(err error) bool {
	if errors.As(err, new(*TokenError)) {
		return false
	}
	var status *StatusError
	if errors.As(err, &status) {
		return Passing(status.Status) || status.Storage != "" && status.Status != http.StatusRequestedRangeNotSatisfiable
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
		return Passing(proxy.status)
	}
	return cut.Cause == NetworkReset || cut.Cause == NetworkTimeout
}

// Passing reports whether a status speaks of a state that will be over. Not
// Implemented is the one of its hundred that stays.
func Passing(status int) bool {
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
// which counts from the answer's own Date, since the clocks can differ. It
// returns 0 if there is none or it lies in the past.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil || errors.Is(err, strconv.ErrRange) {
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
