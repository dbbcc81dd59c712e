package registry

import (
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// caFile writes a TLS server's certificate where --ca-file would name it.
func caFile(t testing.TB, s *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// proxy is an HTTP proxy that takes every request to one address.
type proxy struct {
	*httptest.Server
	to     string
	refuse int // status, 0: it works
	asked  []string
}

func newProxy(t testing.TB, to string) *proxy {
	p := &proxy{to: to}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) url(*http.Request) (*url.URL, error) { return url.Parse(p.URL) }

func (p *proxy) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	p.asked = append(p.asked, req.Method+" "+req.RequestURI)
	if p.refuse != 0 {
		http.Error(w, "no", p.refuse)
		return
	}
	if req.Method != http.MethodConnect {
		req.RequestURI, req.URL.Host = "", p.to
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
		return
	}
	up, err := net.Dial("tcp", p.to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer up.Close()
	down, _, _ := w.(http.Hijacker).Hijack()
	defer down.Close()
	io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
	go io.Copy(up, down)
	io.Copy(down, up)
}

// listen serves connections by hand and returns the address.
func listen(t testing.TB, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func TestNoPlainHTTPBeyondLoopback(t *testing.T) {
	plain := registrytest.New(t)
	_, data := plain.Manifest(t, "db/x", "one", "1.0.0")
	yes := true
	for name, tc := range map[string]struct {
		o     Options
		asked string
	}{
		"default":    {Options{}, "CONNECT registry.example:443"},
		"plain-http": {Options{PlainHTTP: true}, "GET http://registry.example/v2/db/x/manifests/1.0.0"},
		"table":      {Options{Hosts: map[string]Host{"registry.example": {PlainHTTP: &yes}}}, "GET http://registry.example/v2/db/x/manifests/1.0.0"},
	} {
		p := newProxy(t, plain.Host())
		tc.o.Proxy = p.url
		c, _ := newClient(t, tc.o)
		_, got, err := repository(t, c, "registry.example/db/x").Manifest(context.Background(), "1.0.0")
		if len(p.asked) != 1 || p.asked[0] != tc.asked {
			t.Errorf("%s: the proxy was asked %q", name, p.asked)
		}
		if strings.HasPrefix(tc.asked, "GET") {
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %v", name, err)
			}
		} else if e := wantError[*SchemeError](t, err); e.Used != "https" || e.Host != "registry.example" {
			t.Errorf("%s: %#v", name, e)
		}
	}
}

func TestTLSThroughProxy(t *testing.T) {
	r := registrytest.NewTLS(t, nil) // its certificate is example.com's too
	_, data := r.Manifest(t, "db/x", "one", "1.0.0")
	p := newProxy(t, r.Host())
	c, _ := newClient(t, Options{CAFile: caFile(t, r.Server), Proxy: p.url})
	_, got, err := repository(t, c, "example.com/db/x").Manifest(context.Background(), "1.0.0")
	if err != nil || !bytes.Equal(got, data) {
		t.Fatal(err)
	}
	if proto := r.Seen()[0].Header; proto.Get("User-Agent") != wire.UserAgent {
		t.Errorf("header: %v", proto)
	}
	_, err = repository(t, c, "other.example/db/x").Resolve(context.Background(), "1.0.0")
	if e := wantError[*TLSError](t, err); e.Cause != TLSHostname {
		t.Errorf("error: %#v", e)
	}
}

func TestProxyRefuses(t *testing.T) {
	p := newProxy(t, "")
	for _, p.refuse = range []int{http.StatusForbidden, http.StatusProxyAuthRequired} {
		c, _ := newClient(t, Options{Proxy: p.url})
		_, err := repository(t, c, "registry.example/db/x").Resolve(context.Background(), "1.0.0")
		if e := wantError[*UnreachableError](t, err); e.Cause != NetworkProxy || e.Host != "registry.example" {
			t.Errorf("%d: %#v", p.refuse, e)
		}
	}
	p.Close()
	c, _ := newClient(t, Options{Proxy: func(*http.Request) (*url.URL, error) {
		u, err := url.Parse(p.URL)
		u.User = url.UserPassword("u", "s3cret")
		return u, err
	}})
	_, err := repository(t, c, "registry.example/db/x").Resolve(context.Background(), "1.0.0")
	if e := wantError[*UnreachableError](t, err); e.Cause != NetworkProxy || strings.Contains(e.Error(), "s3cret") {
		t.Errorf("error: %v", e)
	}
}
