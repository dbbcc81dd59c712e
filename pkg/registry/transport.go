package registry

import (
	"cmp"
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

// maxConnections is how many connections one host gets. Over HTTP/2 it is one.
const maxConnections = 16

// maxRedirects is how many hops a request may take. A registry's blob is one
// hop away, behind a content delivery network two.
const maxRedirects = 10

// web is the HTTP client: one transport for all hosts but those with
// certificates of their own. It is built by the first request.
type web struct {
	o      *Options
	mu     sync.Mutex
	common *http.Transport
	own    map[string]*http.Transport // by host:port
	client *http.Client
}

func newWeb(o *Options) *web {
	w := &web{o: o}
	w.client = &http.Client{Transport: w, CheckRedirect: w.redirect}
	return w
}

// RoundTrip implements http.RoundTripper.
func (w *web) RoundTrip(req *http.Request) (*http.Response, error) {
	t, err := w.transport(req.URL)
	if err != nil {
		return nil, err
	}
	return t.RoundTrip(req)
}

// transport returns the transport that holds what is configured for a host.
func (w *web) transport(u *url.URL) (*http.Transport, error) {
	h, _ := w.o.table(u.Host)
	special := h.CAFile != "" || h.ClientCert != ""
	name := portOf(u)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !special {
		if w.common == nil {
			t, err := w.build(Host{}, "")
			if err != nil {
				return nil, err
			}
			w.common = t
		}
		return w.common, nil
	}
	if w.own[name] == nil {
		t, err := w.build(h, name)
		if err != nil {
			return nil, err
		}
		if w.own == nil {
			w.own = map[string]*http.Transport{}
		}
		w.own[name] = t
	}
	return w.own[name], nil
}

// build makes a transport. target is the HOST:PORT that it is for, "" for all.
func (w *web) build(h Host, target string) (*http.Transport, error) {
	connect := cmp.Or(w.o.ConnectTimeout, defaultConnectTimeout)
	dialer := &net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		Proxy:                 w.o.Proxy,
		DialContext:           dialer.DialContext,
		TLSHandshakeTimeout:   connect,
		ResponseHeaderTimeout: cmp.Or(w.o.HeaderTimeout, defaultHeaderTimeout),
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
	if w.o.CAFile == "" && h == (Host{PlainHTTP: h.PlainHTTP}) {
		return t, nil // Go's own authorities, read when a certificate is seen
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, file := range []string{w.o.CAFile, h.CAFile} {
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
			d := tls.Dialer{NetDialer: dialer, Config: t.TLSClientConfig}
			if !strings.EqualFold(addr, target) {
				d.Config = proxy
			}
			ctx, cancel := context.WithTimeout(ctx, 2*connect)
			defer cancel()
			return d.DialContext(ctx, network, addr)
		}
	}
	return t, nil
}

// redirect follows a hop without what it must not learn. net/http keeps the
// Authorization header between two ports of one host, and puts it back at each
// hop from the first request; it belongs to nobody but the origin that the
// request was made to.
func (w *web) redirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1].URL.Host
	if len(via) >= maxRedirects {
		return &redirectError{from, fmt.Sprintf("redirected more than %d times", maxRedirects)}
	}
	if req.Context().Value(noRedirect{}) != nil && (req.Method != http.MethodGet || origin(req.URL) != origin(via[0].URL)) {
		return &redirectError{from, "redirects a request for a token to " + place(req.URL)}
	}
	if is := leadsInward(from, req.URL.Host); is != "" {
		return &redirectError{from, "redirects to " + place(req.URL) + ", which is " + is}
	}
	for _, r := range append(via[1:len(via):len(via)], req) {
		if origin(r.URL) != origin(via[0].URL) {
			req.Header.Del("Authorization")
		}
	}
	req.Header.Del("Referer") // a signed URL is nobody else's to know
	if req.URL.Scheme == "https" || req.URL.Scheme == "http" && w.plainAllowed(req.URL) {
		return nil
	}
	if req.URL.Scheme == "http" {
		return &redirectError{from, "redirects to plain HTTP at " + place(req.URL)}
	}
	return &redirectError{from, "redirects to " + place(req.URL) + ", which is neither HTTPS nor HTTP"}
}

// place names where a redirect goes, without what can be a signature.
func place(u *url.URL) string {
	if u.Scheme == "http" || u.Scheme == "https" {
		return bounded(u.Host)
	}
	return bounded("a " + u.Scheme + ": address")
}

// plainAllowed tells whether a host may be spoken to without TLS.
func (w *web) plainAllowed(u *url.URL) bool {
	h, ok := w.o.table(u.Host)
	if ok && h.PlainHTTP != nil {
		return *h.PlainHTTP
	}
	return w.o.PlainHTTP || isLoopback(u.Host)
}

// noRedirect is the context key of requests whose answer only the very host that
// was asked may give.
type noRedirect struct{}

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

func (w *web) closeIdle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.common != nil {
		w.common.CloseIdleConnections()
	}
	for _, t := range w.own {
		t.CloseIdleConnections()
	}
}
