package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// request is one thing to ask of a registry. It can be sent several times.
type request struct {
	ep        *endpoint
	kind      Kind
	method    string
	path      string   // /v2/…
	query     string   // raw
	absolute  *url.URL // in place of path and query: an upload's location
	header    http.Header
	repo      string // path in the registry, "" for the registry as a whole
	scopes    []string
	name      string // repository as the user knows it, for messages
	reference string
	mirror    bool                          // there is another source to ask
	body      func() (io.ReadCloser, error) // nil: none
	size      int64
	blob      *ocispec.Descriptor // the blob that is read, nil for all else
}

// what names the thing asked for, for messages.
func (r *request) what() string {
	if r.name == "" {
		return r.ep.name
	}
	return subject(r.name, r.reference)
}

// host is who answers, for messages: the registry, or its token service.
func (r *request) host() string {
	if r.kind == KindToken {
		return r.absolute.Host
	}
	return r.ep.name
}

// fetch sends a request until an answer could be read whole. consume reads the
// body of an answer below 400; it must not keep what it has read of a body that
// turned out to be cut.
func (c *Client) fetch(ctx context.Context, r *request, consume func(*http.Response) error) error {
	a := attempts{start: c.now(), mirror: r.mirror}
	for {
		resp, err := c.open(ctx, r, &a)
		if err != nil {
			return err
		}
		err = consume(resp)
		if err == nil {
			// A connection whose answer was not read to its end is not used again.
			_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
		}
		resp.Body.Close()
		if err == nil {
			return nil
		}
		if err = c.pause(ctx, &a, r.ep.name, r.what(), err); err != nil {
			return err
		}
	}
}

// open sends a request until it is answered below 400, or tries are used up.
func (c *Client) open(ctx context.Context, r *request, a *attempts) (*http.Response, error) {
	for {
		resp, err := c.once(ctx, r)
		if err == nil {
			return resp, nil
		}
		if err = c.pause(ctx, a, r.ep.name, r.what(), err); err != nil {
			return nil, err
		}
	}
}

// once sends a request over the scheme that the host speaks. A loopback host of
// which nothing is known yet is asked over plain HTTP, and over HTTPS where it
// wants that or cuts the connection; where that is no better, the first outcome
// stands.
func (c *Client) once(ctx context.Context, r *request) (*http.Response, error) {
	if c.o.Offline {
		return nil, &OfflineError{What: r.what()}
	}
	scheme, settled := r.ep.use(&c.o)
	resp, err := c.authorized(ctx, r, scheme)
	if settled || isContext(err) {
		return resp, err
	}
	var tried *tokenError
	var wrong *SchemeError
	var cut *UnreachableError
	switch {
	case errors.As(err, &tried): // the registry itself has answered
		r.ep.settle("http")
	case errors.As(err, &wrong):
		r.ep.settle("https")
		return c.authorized(ctx, r, "https")
	case errors.As(err, &cut) && cut.Cause == NetworkReset:
		resp, err2 := c.authorized(ctx, r, "https")
		if shookHands(err2) {
			r.ep.settle("https")
			return resp, err2
		}
		if errors.As(err2, &wrong) {
			r.ep.settle("http")
		}
		return nil, err
	case errors.As(err, &cut):
	default:
		r.ep.settle("http")
	}
	return resp, err
}

// shookHands tells whether the outcome of a request shows that the server
// speaks TLS.
func shookHands(err error) bool {
	if te, ok := errors.AsType[*TLSError](err); ok {
		return te.Cause != TLSOther
	}
	var wrong *SchemeError
	var cut *UnreachableError
	return !errors.As(err, &wrong) && !errors.As(err, &cut) && !isContext(err)
}

// build makes the HTTP request.
func (r *request) build(ctx context.Context, scheme string) (*http.Request, error) {
	u := r.absolute
	if u == nil {
		u = &url.URL{Scheme: scheme, Host: hostOf(r.ep.name), Path: r.path, RawQuery: r.query}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), nil)
	if err != nil {
		return nil, &ReferenceError{r.what(), "makes no URL"}
	}
	for key, values := range r.header {
		req.Header[key] = values
	}
	if r.body != nil {
		body, err := r.body()
		if err != nil {
			return nil, err
		}
		req.Body, req.ContentLength = body, r.size
		req.GetBody = r.body
		if r.size == 0 {
			body.Close()
			req.Body = http.NoBody
		}
	}
	return req, nil
}

// failure makes the error of an answer of 400 or more, and closes it.
func (c *Client) failure(r *request, resp *http.Response) error {
	defer resp.Body.Close()
	storage := redirected(resp)
	// What a token service or a storage lacks is no repository.
	if resp.StatusCode == http.StatusNotFound && r.name != "" && r.kind != KindToken && (storage == "" || !r.isBlob()) {
		e := &NotFoundError{
			Repository: r.name, Reference: r.reference, Host: r.ep.name, Codes: readCodes(resp.Body),
			Write: r.method == http.MethodPost || r.method == http.MethodPut,
		}
		if e.Write || slices.ContainsFunc(e.Codes, func(c ErrorCode) bool { return c.Code == "NAME_UNKNOWN" }) {
			e.Reference = ""
		}
		return e
	}
	e := &StatusError{
		Host: r.ep.name, Storage: storage, Repository: r.name, Reference: r.reference,
		Method: r.method, Status: resp.StatusCode,
		Codes:      readCodes(resp.Body),
		RetryAfter: retryAfter(resp.Header, c.now()),
	}
	if r.kind == KindToken {
		e.TokenHost, e.Storage = r.host(), ""
	}
	return e
}

// list is the name of the list that a request asks for, without the repository's.
func (r *request) list() string {
	return strings.TrimPrefix(r.path, strings.TrimSuffix("/v2/"+r.repo, "/")+"/")
}

// isBlob reports whether a request is for a blob.
func (r *request) isBlob() bool { return strings.HasPrefix(r.path, "/v2/"+r.repo+"/blobs/") }

// redirected is the host that answered where that is not the one that was asked.
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

// quota reads Docker Hub's ratelimit headers, like "76;w=21600"
// (https://docs.docker.com/docker-hub/usage/pulls/).
func quota(h http.Header) (q Quota, ok bool) {
	number := func(key string) (int, time.Duration, bool) {
		text, window, _ := strings.Cut(h.Get(key), ";w=")
		n, err := strconv.Atoi(text)
		seconds, _ := strconv.Atoi(window)
		return n, time.Duration(seconds) * time.Second, err == nil && n >= 0
	}
	q.Remaining, q.Window, ok = number("Ratelimit-Remaining")
	if limit, _, has := number("Ratelimit-Limit"); has {
		q.Limit = limit
	}
	return q, ok
}
