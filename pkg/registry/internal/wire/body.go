package wire

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// idleTimer fires when nobody disarms it within the idle timeout.
type idleTimer struct {
	idle  time.Duration
	fire  func()
	mu    sync.Mutex
	timer *time.Timer
	off   bool // for good
}

func (t *idleTimer) arm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.off:
	case t.timer == nil:
		t.timer = time.AfterFunc(t.idle, t.fire)
	default:
		t.timer.Reset(t.idle)
	}
}

func (t *idleTimer) disarm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
	}
}

// stop disarms for good.
func (t *idleTimer) stop() {
	t.mu.Lock()
	t.off = true
	t.mu.Unlock()
	t.disarm()
}

// answer is an answer's body that counts its bytes, ends after the idle timeout
// and returns typed errors.
type answer struct {
	c      *Client
	r      *Request
	ctx    context.Context
	cancel context.CancelCauseFunc
	scheme string
	idle   *idleTimer
	body   io.ReadCloser
	bytes  int64
}

func (a *answer) Read(p []byte) (int, error) {
	a.idle.arm()
	n, err := a.body.Read(p)
	a.idle.disarm()
	a.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = classify(a.ctx, a.r.host(), a.scheme, err)
	}
	return n, err
}

func (a *answer) Close() error {
	err := a.body.Close()
	a.cancel(nil)
	a.c.Count(func(s *Stats) { s.Bytes[a.r.Kind] += a.bytes })
	a.bytes = 0
	return err
}

// ContentError is an error in reading what is to be uploaded. Trying again is for
// who makes the content.
type ContentError struct{ Err error }

func (e *ContentError) Error() string    { return e.Err.Error() }
func (e *ContentError) Unwrap() error    { return e.Err }
func (e *ContentError) Kind() fault.Kind { return fault.Of(e.Err) }

// watchUpload watches a request's body.
func (c *Client) watchUpload(req *http.Request, kind Kind, idle *idleTimer, failed *atomic.Pointer[ContentError]) {
	open := req.GetBody
	if open == nil || req.Body == http.NoBody {
		return
	}
	watched := func(body io.ReadCloser) io.ReadCloser {
		return &upload{body: body, c: c, kind: kind, idle: idle, failed: failed}
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

// upload is a request's body that is watched in the same way. The time to make
// the bytes is the sender's own; from then to the next Read the network takes
// them.
type upload struct {
	body   io.ReadCloser
	c      *Client
	kind   Kind
	idle   *idleTimer
	closed atomic.Bool
	// failed is set to what went wrong in making the bytes.
	failed *atomic.Pointer[ContentError]
}

func (u *upload) Read(p []byte) (int, error) {
	u.idle.disarm()
	n, err := u.body.Read(p)
	switch {
	case err == nil:
		u.idle.arm()
	case errors.Is(err, io.EOF):
	case u.closed.Load():
		// The transport closes a body during a Read when the
		// other side resets the stream: that is what went wrong.
	default:
		u.failed.Store(&ContentError{err})
	}
	u.c.Count(func(s *Stats) { s.Bytes[u.kind] += int64(n) })
	return n, err
}

func (u *upload) Close() error {
	u.closed.Store(true)
	u.idle.disarm()
	return u.body.Close()
}

// safeURL is a URL without the parameters that can hold a secret.
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
