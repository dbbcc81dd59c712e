package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// A request goes straight down this file:
//
//	Do          reads an answer whole, again if it was cut
//	Open        tries until there is an answer below 400
//	Send        one try, over the scheme that the host speaks
//	withAuth    with what the registry asks for
//	roundTrip   one HTTP request, counted, reported and watched

// Request is one thing to ask of a registry. It can be sent several times.
type Request struct {
	Endpoint    *Endpoint
	Kind        Kind
	Method      string
	Path        string   // /v2/…
	Query       string   // raw
	Absolute    *url.URL // in place of Path and Query: an upload's location, a token service
	From        *url.URL // of the server that named Absolute
	Header      http.Header
	Repo        string // path in the registry, "" for the registry as a whole
	Scopes      []string
	Name        string // repository as the user knows it, for messages
	Reference   string
	HasFallback bool                          // there is another source to ask
	Once        bool                          // all tries but one are used up
	Body        func() (io.ReadCloser, error) // nil: none
	Size        int64
	Blob        *ocispec.Descriptor // the blob that is read, nil for all else
}

// SetBody makes data the body of a request.
func (r *Request) SetBody(data []byte) {
	r.Size = int64(len(data))
	r.Body = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// Subject names the thing asked for, for messages.
func (r *Request) Subject() string {
	if r.Name == "" {
		return r.Endpoint.Name
	}
	return artifact.Reference(r.Name, r.Reference)
}

// List is the name of the list that a request asks for, without the repository's.
func (r *Request) List() string {
	return strings.TrimPrefix(r.Path, strings.TrimSuffix("/v2/"+r.Repo, "/")+"/")
}

// host is the one that answers, for messages: the registry, or its token service.
func (r *Request) host() string {
	if r.Kind == KindToken {
		return r.Absolute.Host
	}
	return r.Endpoint.Name
}

// isBlob reports whether a request is for a blob.
func (r *Request) isBlob() bool { return strings.HasPrefix(r.Path, "/v2/"+r.Repo+"/blobs/") }

// ownHost reports whether a host is the registry's own. An upload's location can
// be elsewhere; credentials do not go there.
func (r *Request) ownHost(host string) bool { return strings.EqualFold(host, HostOf(r.Endpoint.Name)) }

// build makes the HTTP request.
func (r *Request) build(ctx context.Context, scheme string) (*http.Request, error) {
	u := r.Absolute
	if u == nil {
		u = &url.URL{Scheme: scheme, Host: HostOf(r.Endpoint.Name), Path: r.Path, RawQuery: r.Query}
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), nil)
	if err != nil {
		return nil, &ProtocolError{r.Endpoint.Name, r.Subject(), "does not make a URL"}
	}
	if r.From != nil {
		req = req.WithContext(context.WithValue(ctx, sentTo{}, handed{r.From, req.URL}))
	}
	for key, values := range r.Header {
		req.Header[key] = values
	}
	if r.Body != nil {
		body, err := r.Body()
		if err != nil {
			return nil, err
		}
		req.Body, req.ContentLength = body, r.Size
		req.GetBody = r.Body
		if r.Size == 0 {
			body.Close()
			req.Body = http.NoBody
		}
	}
	return req, nil
}

// Authority knows what a registry asks for.
type Authority interface {
	// Begin is called for each try of a request, over "http" or "https".
	Begin(r *Request, scheme string) Attempt
}

// Attempt is one try of a request, which a registry can refuse several times.
type Attempt interface {
	// Header returns the request's Authorization, "" for none.
	Header(ctx context.Context) (string, error)
	// Refused is called with a 401 or 403 and closes it. It returns nil if the
	// request is to be sent again, with another Header.
	Refused(ctx context.Context, resp *http.Response) error
}

// Do sends a request until an answer could be read whole. consume reads the body
// of an answer below 400; it must not keep what it has read of a body that turned
// out to be cut.
func (c *Client) Do(ctx context.Context, r *Request, consume func(*http.Response) error) error {
	tries := c.Tries(r.HasFallback)
	if r.Once {
		tries.failed = MaxTries
	}
	return c.Retry(ctx, tries, r.Endpoint.Name, r.Subject(), func() error {
		resp, err := c.Send(ctx, r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if err = consume(resp); err == nil {
			// A connection whose answer was not read to its end is not used again.
			_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
		}
		return err
	})
}

// Open sends a request until it is answered below 400, or tries are used up.
func (c *Client) Open(ctx context.Context, r *Request, t *Tries) (*http.Response, error) {
	for {
		resp, err := c.Send(ctx, r)
		if err == nil {
			return resp, nil
		}
		if err = c.Pause(ctx, t, r.Endpoint.Name, r.Subject(), err); err != nil {
			return nil, err
		}
	}
}

// Send sends a request once, over the scheme that its host speaks. A loopback
// host of which nothing is known yet is asked over plain HTTP, and over HTTPS
// if it turns out to speak TLS; if that is no better, the first outcome
// stands.
func (c *Client) Send(ctx context.Context, r *Request) (*http.Response, error) {
	scheme, declared, known := r.Endpoint.use(&c.o)
	resp, err := c.withAuth(ctx, r, scheme)
	switch {
	case scheme == "https" || IsContext(err):
		return resp, err
	case !mayWantTLS(err, declared) || known:
		if !known && answered(err) {
			r.Endpoint.settle("http")
		}
		return resp, err
	}
	if !c.speaksTLS(ctx, r) {
		r.Endpoint.settle("http")
		return resp, err
	}
	if declared {
		return nil, &SchemeError{r.Endpoint.Name, "http"}
	}
	r.Endpoint.settle("https")
	return c.withAuth(ctx, r, "https")
}

// mayWantTLS reports whether an outcome over plain HTTP is what servers of TLS
// make of it: a 400, something that is not HTTP, or nothing.
func mayWantTLS(err error, declared bool) bool {
	var status *StatusError
	var cut *UnreachableError
	switch {
	case errors.As(err, new(*TokenError)):
		return false // the registry itself has answered
	case errors.As(err, &status):
		return status.Status == http.StatusBadRequest
	case errors.As(err, &cut):
		return cut.Cause == NetworkReset && !declared
	}
	return errors.As(err, new(*SchemeError))
}

// answered reports whether an outcome shows that a server speaks plain HTTP.
func answered(err error) bool {
	return errors.As(err, new(*TokenError)) || !errors.As(err, new(*UnreachableError))
}

// speaksTLS reports whether a host completes a handshake, with whatever
// certificate.
func (c *Client) speaksTLS(ctx context.Context, r *Request) bool {
	probe := &Request{Endpoint: r.Endpoint, Kind: KindOther, Method: http.MethodGet, Path: "/v2/", Name: r.Name}
	req, err := probe.build(ctx, "https")
	if err != nil {
		return false
	}
	resp, err := c.roundTrip(probe, "https", req)
	if err == nil {
		resp.Body.Close()
		return true
	}
	var te *TLSError
	return errors.As(err, &te) && te.Cause != TLSOther
}

// withAuth sends a request with what its registry asks for, as often as its
// Authority has something else to try.
func (c *Client) withAuth(ctx context.Context, r *Request, scheme string) (*http.Response, error) {
	attempt := r.Endpoint.Authority.Begin(r, scheme)
	for {
		header, err := attempt.Header(ctx)
		if err != nil {
			return nil, err
		}
		req, err := r.build(ctx, scheme)
		if err != nil {
			return nil, err
		}
		if header != "" && r.ownHost(req.URL.Host) {
			req.Header.Set("Authorization", header)
		}
		resp, err := c.roundTrip(r, scheme, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 400 {
			return resp, nil
		}
		// Only the registry itself can ask for credentials: a redirect's target
		// that refuses is a server that does not work.
		refused := resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden
		if !refused || redirected(resp) != "" {
			return nil, c.Failure(r, resp)
		}
		if err := attempt.Refused(ctx, resp); err != nil {
			return nil, err
		}
	}
}

// Ask sends a request to a token service once and returns its answer, whatever
// the status. Its URL is absolute, and it is followed nowhere else.
func (c *Client) Ask(ctx context.Context, r *Request) (*http.Response, error) {
	req, err := r.build(context.WithValue(ctx, stayHere{}, true), r.Absolute.Scheme)
	if err != nil {
		return nil, err
	}
	return c.roundTrip(r, r.Absolute.Scheme, req)
}

// roundTrip sends one HTTP request and returns its answer, whatever the status.
// Everything that goes out passes here, so here it is counted, reported, watched for
// standing still, and refused if offline.
func (c *Client) roundTrip(r *Request, scheme string, req *http.Request) (*http.Response, error) {
	if c.o.Offline {
		return nil, &OfflineError{What: r.Subject()}
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	req = req.WithContext(ctx)
	req.Header.Set("User-Agent", c.o.UserAgent)
	req.Header.Set("Accept-Encoding", "identity") // digests are of the bytes as stored
	stall := func() { cancel(errStalled) }
	sending, receiving := &idleTimer{idle: c.o.IdleTimeout, fire: stall}, &idleTimer{idle: c.o.IdleTimeout, fire: stall}
	var failed atomic.Pointer[ContentError]
	c.watchUpload(req, r.Kind, sending, &failed)
	start := c.Now()
	resp, err := c.http.Do(req)
	sending.stop() // the transport may go on to read the request's body
	ev := Event{
		Kind: EventRequest, Host: r.Endpoint.Name, Subject: r.Subject(), Method: req.Method,
		URL: safeURL(req.URL), Duration: c.Now().Sub(start),
	}
	c.Count(func(s *Stats) { s.Requests[r.Kind]++ })
	if err != nil {
		content := failed.Load()
		if content != nil || errors.As(err, &content) { // of a body that was opened once more
			err = content
		} else {
			err = classify(ctx, r.host(), scheme, err)
		}
		cancel(nil)
		ev.Err = err
		c.Event(ev)
		return nil, err
	}
	ev.Status = resp.StatusCode
	if q, ok := quota(resp.Header); ok {
		c.Count(func(s *Stats) { s.Quota[r.Endpoint.Name] = q })
	}
	resp.Body = &answer{c: c, r: r, ctx: ctx, cancel: cancel, scheme: scheme, idle: receiving, body: resp.Body}
	if resp.StatusCode >= 400 {
		ev.Codes = keepError(resp, r)
	} else {
		decoded(resp, r.Blob, r.host(), r.Subject())
	}
	c.Event(ev)
	c.warn(r, resp.Header)
	if resp.StatusCode == http.StatusProxyAuthRequired {
		resp.Body.Close()
		return nil, &UnreachableError{r.host(), NetworkProxy, &proxyError{resp.StatusCode}}
	}
	return resp, nil
}

// keepError reads what an answer says of a refusal, and leaves it to be read
// again.
func keepError(resp *http.Response, r *Request) []ErrorCode {
	decoded(resp, nil, r.host(), r.Subject())
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(data), resp.Body}
	return ReadCodes(bytes.NewReader(data))
}

// Failure makes the error of an answer of 400 or more, and closes it.
func (c *Client) Failure(r *Request, resp *http.Response) error {
	defer resp.Body.Close()
	storage := redirected(resp)
	// What a token service or a storage lacks is not a repository.
	if resp.StatusCode == http.StatusNotFound && r.Name != "" && r.Kind != KindToken && (storage == "" || !r.isBlob()) {
		e := &NotFoundError{
			Repository: r.Name, Reference: r.Reference, Host: r.Endpoint.Name, Codes: ReadCodes(resp.Body),
			Write: r.Method == http.MethodPost || r.Method == http.MethodPut,
		}
		if e.Write || slices.ContainsFunc(e.Codes, func(c ErrorCode) bool { return c.Code == "NAME_UNKNOWN" }) {
			e.Reference = ""
		}
		return e
	}
	e := &StatusError{
		Host: r.Endpoint.Name, Storage: storage, Repository: r.Name, Reference: r.Reference,
		Method: r.Method, Status: resp.StatusCode,
		Codes:      ReadCodes(resp.Body),
		RetryAfter: retryAfter(resp.Header, c.Now()),
	}
	if r.Kind == KindToken {
		e.TokenHost, e.Storage = r.host(), ""
	}
	return e
}

// redirected is the host that answered if that is not the one that was asked.
func redirected(resp *http.Response) string {
	first := resp.Request
	for first.Response != nil {
		first = first.Response.Request
	}
	if origin(first.URL) == origin(resp.Request.URL) {
		return ""
	}
	return resp.Request.URL.Host
}

// IsContext reports whether an error is the context's own.
func IsContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
