package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// exchange sends one HTTP request and returns its answer, whatever the status.
// Everything that goes out passes here, so here it is counted, told, watched
// for standing still, and refused where offline.
func (c *Client) exchange(r *request, scheme string, req *http.Request) (*http.Response, error) {
	if c.o.Offline {
		return nil, &OfflineError{What: r.what()}
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	req = req.WithContext(ctx)
	req.Header.Set("User-Agent", cmp.Or(c.o.UserAgent, defaultUserAgent))
	req.Header.Set("Accept-Encoding", "identity") // digests are of the bytes as stored
	stalled := &alarm{idle: cmp.Or(c.o.IdleTimeout, defaultIdleTimeout), fire: func() { cancel(errStalled) }}
	w := &watch{c: c, r: r, ctx: ctx, cancel: cancel, scheme: scheme, alarm: stalled}
	var failed atomic.Pointer[contentError]
	if open := req.GetBody; open != nil && req.Body != http.NoBody {
		watched := func(body io.ReadCloser) io.ReadCloser {
			return &upload{ReadCloser: body, c: c, kind: r.kind, alarm: stalled, failed: &failed}
		}
		req.Body = watched(req.Body)
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := open()
			if err != nil {
				return nil, err
			}
			return watched(body), nil
		}
	}
	start := c.now()
	resp, err := c.web.client.Do(req)
	stalled.disarm()
	ev := Event{
		Kind: EventRequest, Host: r.ep.name, Subject: r.what(), Method: req.Method,
		URL: safeURL(req.URL), Duration: c.now().Sub(start),
	}
	c.stats.update(func(s *Stats) { s.Requests[r.kind]++ })
	if err != nil {
		if content := failed.Load(); content != nil {
			err = content
		} else {
			err = classify(ctx, r.host(), scheme, err)
		}
		cancel(nil)
		ev.Err = err
		c.event(ev)
		return nil, err
	}
	ev.Status = resp.StatusCode
	if q, ok := quota(resp.Header); ok {
		c.stats.update(func(s *Stats) { s.Quota[r.ep.name] = q })
	}
	w.body = resp.Body
	resp.Body = w
	if resp.StatusCode >= 400 {
		decoded(resp, nil, r.host(), r.what())
		data, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		ev.Codes = readCodes(bytes.NewReader(data))
		resp.Body = struct {
			io.Reader
			io.Closer
		}{bytes.NewReader(data), resp.Body}
	} else {
		decoded(resp, r.blob, r.host(), r.what())
	}
	c.event(ev)
	if scheme == "http" && resp.StatusCode == http.StatusBadRequest && c.wantsTLS(r, req, resp) {
		resp.Body.Close()
		return nil, &SchemeError{r.ep.name, "http"}
	}
	if resp.StatusCode == http.StatusProxyAuthRequired {
		resp.Body.Close()
		return nil, &UnreachableError{r.host(), NetworkProxy, &proxyError{resp.StatusCode}}
	}
	return resp, nil
}

// wantsTLS recognises what servers answer to plain HTTP on their TLS port: Go's,
// nginx's and Apache's words. The body is read only where it is not a
// registry's own JSON.
func (c *Client) wantsTLS(r *request, req *http.Request, resp *http.Response) bool {
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		return false
	}
	if req.Method == http.MethodHead { // the words are in a body, which this answer has not
		get, err := http.NewRequestWithContext(req.Context(), http.MethodGet, "http://"+req.URL.Host+"/v2/", nil)
		if err != nil {
			return false
		}
		again, err := c.exchange(&request{ep: r.ep, kind: KindOther, method: http.MethodGet, name: r.name}, "http", get)
		if err == nil {
			again.Body.Close()
		}
		var wrong *SchemeError
		return errors.As(err, &wrong)
	}
	data, _ := io.ReadAll(resp.Body) // what exchange has kept of it
	for _, words := range []string{"HTTP request to an HTTPS server", "request was sent to HTTPS port", "to an SSL-enabled server port"} {
		if strings.Contains(string(data), words) {
			return true
		}
	}
	// It is an error answer like any other.
	resp.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(data), resp.Body}
	return false
}

// alarm fires when nobody disarms it within the idle timeout.
type alarm struct {
	idle  time.Duration
	fire  func()
	mu    sync.Mutex
	timer *time.Timer
}

func (a *alarm) arm() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer == nil {
		a.timer = time.AfterFunc(a.idle, a.fire)
		return
	}
	a.timer.Reset(a.idle)
}

func (a *alarm) disarm() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
	}
}

// watch is an answer's body that counts its bytes, ends after the idle timeout
// and returns typed errors.
type watch struct {
	c      *Client
	r      *request
	ctx    context.Context
	cancel context.CancelCauseFunc
	scheme string
	alarm  *alarm
	body   io.ReadCloser
	bytes  int64
}

func (w *watch) Read(p []byte) (int, error) {
	w.alarm.arm()
	n, err := w.body.Read(p)
	w.alarm.disarm()
	w.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = classify(w.ctx, w.r.host(), w.scheme, err)
	}
	return n, err
}

func (w *watch) Close() error {
	err := w.body.Close()
	w.cancel(nil)
	w.c.stats.update(func(s *Stats) { s.Bytes[w.r.kind] += w.bytes })
	w.bytes = 0
	return err
}

// upload is a request's body that is watched in the same way. The time to make
// the bytes is the sender's own; from then to the next Read the network takes
// them.
type upload struct {
	io.ReadCloser
	c     *Client
	kind  Kind
	alarm *alarm
	// failed is set to what went wrong in making the bytes.
	failed *atomic.Pointer[contentError]
}

func (u *upload) Read(p []byte) (int, error) {
	u.alarm.disarm()
	n, err := u.ReadCloser.Read(p)
	switch err {
	case nil:
		u.alarm.arm()
	case io.EOF:
	default:
		u.failed.Store(&contentError{err})
	}
	u.c.stats.update(func(s *Stats) { s.Bytes[u.kind] += int64(n) })
	return n, err
}

func (u *upload) Close() error {
	u.alarm.disarm()
	return u.ReadCloser.Close()
}

func (c *Client) event(e Event) {
	if c.o.Events != nil {
		c.o.Events(e)
	}
}

// safeURL is a URL with only such parameters as bear no secret.
func safeURL(u *url.URL) string {
	var kept []string
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		switch key, _, _ := strings.Cut(part, "="); key {
		case "n", "last", "digest", "mount", "from", "service", "scope", "artifactType":
			kept = append(kept, part)
		case "":
		default:
			kept = append(kept, key+"=…")
		}
	}
	text := u.Scheme + "://" + u.Host + u.EscapedPath()
	if len(kept) > 0 {
		text += "?" + strings.Join(kept, "&")
	}
	return text
}

// isContext tells whether an error is the context's own.
func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
