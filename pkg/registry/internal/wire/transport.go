package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxConnections is how many connections one host gets: what bounds the lock of many
// drivers far from their registry. Over HTTP/2 it is one.
const maxConnections = 48

// maxRedirects is how many hops a request may take. A registry's blob is one
// hop away, behind a content delivery network two.
const maxRedirects = 10

// transports are one for all hosts, under "", and one for each host:port with
// certificates of its own. They are built by the first request.
type transports struct {
	o       *Options
	mu      sync.Mutex
	of      map[string]*http.Transport
	reached sync.Map // what inward says of an address, by the host:port that led there
}

// RoundTrip implements http.RoundTripper.
func (ts *transports) RoundTrip(req *http.Request) (*http.Response, error) {
	t, err := ts.transport(req.URL)
	if err != nil {
		return nil, err
	}
	return t.RoundTrip(req)
}

// transport returns the transport that holds what is configured for a host.
func (ts *transports) transport(u *url.URL) (*http.Transport, error) {
	h, _ := ts.o.table(u.Host)
	h.PlainHTTP = nil
	target := ""
	if h != (Host{}) {
		target = portOf(u)
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.of[target] == nil {
		t, err := ts.build(h, target)
		if err != nil {
			return nil, err
		}
		if ts.of == nil {
			ts.of = map[string]*http.Transport{}
		}
		ts.of[target] = t
	}
	return ts.of[target], nil
}

// build makes a transport. target is the HOST:PORT that it is for, "" for all.
func (ts *transports) build(h Host, target string) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 ts.o.Proxy,
		DialContext:           ts.dial,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: ts.o.HeaderTimeout,
		MaxConnsPerHost:       maxConnections,
		MaxIdleConnsPerHost:   maxConnections,
		IdleConnTimeout:       90 * time.Second,
		ReadBufferSize:        64 << 10,
		WriteBufferSize:       64 << 10,
		ForceAttemptHTTP2:     true,
		// A connection that died unseen would hold every stream on it until the
		// idle timeout.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second},
		// What is coded all the same is undone by decoded, which knows what is
		// meant to be compressed.
		DisableCompression: true,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &proxyError{resp.StatusCode}
			}
			return nil
		},
	}
	if ts.o.CAFile == "" && h == (Host{}) {
		return t, nil // Go's own authorities, read when a certificate is seen
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, file := range []string{ts.o.CAFile, h.CAFile} {
		if file == "" {
			continue
		}
		if err := addAuthorities(roots, file); err != nil {
			return nil, err
		}
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots}
	if h.ClientCert != "" {
		pair, err := clientCertificate(h.ClientCert, h.ClientKey)
		if err != nil {
			return nil, err
		}
		// net/http would show it to an https:// proxy too.
		proxy := t.TLSClientConfig.Clone()
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
		t.TLSClientConfig.NextProtos = []string{"h2", "http/1.1"}
		t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			config := t.TLSClientConfig.Clone()
			if !strings.EqualFold(addr, target) {
				config = proxy.Clone()
			}
			config.ServerName, _, _ = net.SplitHostPort(addr)
			raw, err := ts.dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(ctx, connectTimeout)
			defer cancel()
			conn := tls.Client(raw, config)
			if err := conn.HandshakeContext(ctx); err != nil {
				raw.Close()
				return nil, err
			}
			return conn, nil
		}
	}
	return t, nil
}

// redirect follows a hop without what it must not learn. net/http keeps the
// Authorization header between two ports of one host, and puts it back at each
// hop from the first request; it belongs to nobody but the origin that the
// request was made to.
func (c *Client) redirect(req *http.Request, via []*http.Request) error {
	sender := via[len(via)-1].URL
	from := sender.Host
	if len(via) >= maxRedirects {
		return &redirectError{from, fmt.Sprintf("redirected more than %d times", maxRedirects)}
	}
	if req.Context().Value(stayHere{}) != nil && (req.Method != http.MethodGet || origin(req.URL) != origin(via[0].URL)) {
		return &redirectError{from, "redirects a request for a token to " + Place(req.URL)}
	}
	if is := c.LeadsInward(sender, req.URL.Host); is != "" {
		return &redirectError{from, "redirects to " + Place(req.URL) + ", which is " + is}
	}
	*req = *req.WithContext(context.WithValue(req.Context(), sentTo{}, handed{sender, req.URL}))
	for _, r := range append(via[1:len(via):len(via)], req) {
		if origin(r.URL) != origin(via[0].URL) {
			req.Header.Del("Authorization")
		}
	}
	req.Header.Del("Referer") // a signed URL is nobody else's to know
	if req.URL.Scheme == "https" || req.URL.Scheme == "http" && c.PlainAllowed(req.URL) {
		return nil
	}
	if req.URL.Scheme == "http" {
		return &redirectError{from, "redirects to plain HTTP at " + Place(req.URL)}
	}
	return &redirectError{from, "redirects to " + Place(req.URL) + ", which is neither HTTPS nor HTTP"}
}

// Place names where a redirect goes, without what can be a signature.
func Place(u *url.URL) string {
	if u.Scheme == "http" || u.Scheme == "https" {
		return Bounded(u.Host)
	}
	return Bounded("a " + u.Scheme + ": address")
}

// PlainAllowed reports whether a host may be spoken to without TLS.
func (c *Client) PlainAllowed(u *url.URL) bool {
	h, ok := c.o.table(u.Host)
	if ok && h.PlainHTTP != nil {
		return *h.PlainHTTP
	}
	return c.o.PlainHTTP || IsLoopback(u.Host)
}

// stayHere is the context key of requests that only the host that was
// asked may answer.
type stayHere struct{}

// origin is scheme, host and port, in one spelling.
func origin(u *url.URL) string { return u.Scheme + "://" + portOf(u) }

// portOf is HOST:PORT in one spelling.
func portOf(u *url.URL) string {
	port := u.Port()
	if port == "" && u.Scheme == "http" {
		port = "80"
	} else if port == "" {
		port = "443"
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func (ts *transports) closeIdle() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, t := range ts.of {
		t.CloseIdleConnections()
	}
}
