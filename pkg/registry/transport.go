package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
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
	name, h, special := w.o.table(u)
	special = special && (h.CAFile != "" || h.ClientCert != "")
	w.mu.Lock()
	defer w.mu.Unlock()
	if !special {
		if w.common == nil {
			t, err := w.build(Host{})
			if err != nil {
				return nil, err
			}
			w.common = t
		}
		return w.common, nil
	}
	if w.own[name] == nil {
		t, err := w.build(h)
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

// table finds a host's table, with the port written or left to the scheme.
func (o *Options) table(u *url.URL) (string, Host, bool) {
	names := []string{u.Host}
	if port := u.Port(); port == "" {
		names = append(names, net.JoinHostPort(u.Hostname(), map[string]string{"http": "80"}[u.Scheme]+map[string]string{"https": "443"}[u.Scheme]))
	}
	if u.Host == hostOf(dockerHub) {
		names = append(names, dockerHub)
	}
	for _, name := range names {
		if h, ok := o.Hosts[name]; ok {
			return name, h, true
		}
	}
	return "", Host{}, false
}

func (w *web) build(h Host) (*http.Transport, error) {
	connect := orDefault(w.o.ConnectTimeout, defaultConnectTimeout)
	t := &http.Transport{
		Proxy:                 w.o.Proxy,
		DialContext:           (&net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   connect,
		ResponseHeaderTimeout: orDefault(w.o.HeaderTimeout, defaultHeaderTimeout),
		ExpectContinueTimeout: time.Second,
		MaxConnsPerHost:       maxConnections,
		MaxIdleConnsPerHost:   maxConnections,
		IdleConnTimeout:       90 * time.Second,
		ReadBufferSize:        64 << 10,
		WriteBufferSize:       64 << 10,
		ForceAttemptHTTP2:     true,
		// A connection that died unseen would hold every stream on it until the
		// idle timeout.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second},
		// Digests are of the bytes as stored; unpacking them on the way would
		// also hide how much was sent.
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
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, certificateError(file, err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, &CertificateError{file, errors.New("holds no PEM certificate")}
		}
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if h.ClientCert != "" {
		pair, err := tls.LoadX509KeyPair(h.ClientCert, h.ClientKey)
		if err != nil {
			return nil, certificateError(h.ClientCert, err)
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{pair}
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
	_, h, ok := w.o.table(u)
	if ok && h.PlainHTTP != nil {
		return *h.PlainHTTP
	}
	return w.o.PlainHTTP || isLoopback(u.Host)
}

// noRedirect is the context key of requests whose answer only the very host that
// was asked may give.
type noRedirect struct{}

// origin is scheme, host and port, in one spelling.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" && u.Scheme == "http" {
		port = "80"
	} else if port == "" {
		port = "443"
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
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
