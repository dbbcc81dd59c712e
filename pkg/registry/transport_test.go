package registry

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// Making a client and naming repositories touches neither disk nor network.
func TestLazy(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	named := false
	c, err := New(Options{
		CacheDir: missing, CAFile: missing, Credentials: CredentialPaths{DockerConfig: missing},
		Proxy: func(*http.Request) (*url.URL, error) { t.Error("the proxy was asked for"); return nil, nil },
		Events: func(e Event) {
			if !named {
				t.Errorf("something happened: %+v", e)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Repository("registry.invalid/db/postgres"); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("written: %v", files)
	}
	named = true
	// The files are read when they are needed, and their errors told then.
	_, err = repository(t, c, "registry.invalid/db/postgres").Resolve(context.Background(), "1.0.0")
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("error: %v", err)
	}
}

func TestLoopbackSpeaksWhatTheServerSpeaks(t *testing.T) {
	t.Run("http", func(t *testing.T) {
		r := newRig(t)
		desc := r.blob(t, "db/x", content(10))
		c, _ := newClient(t, Options{})
		if _, err := readBlob(repository(t, c, r.host()+"/db/x"), desc); err != nil {
			t.Error(err)
		}
	})
	t.Run("https", func(t *testing.T) {
		r := newTLSRig(t)
		desc := r.blob(t, "db/x", content(10))
		c, _ := newClient(t, Options{Hosts: map[string]Host{r.host(): {CAFile: caFile(t, r.Server)}}})
		if _, err := readBlob(repository(t, c, r.host()+"/db/x"), desc); err != nil {
			t.Error(err)
		}
	})
	t.Run("https unasked, unknown authority", func(t *testing.T) {
		r := newTLSRig(t)
		c, k := newClient(t, Options{})
		_, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0")
		if e := wantError[*TLSError](t, err); e.Kind != TLSUnknownAuthority || e.Host != r.host() {
			t.Errorf("error: %#v", e)
		}
		if len(k.slept) != 0 {
			t.Error("tried again")
		}
	})
	t.Run("garbled answer to plain HTTP", func(t *testing.T) {
		// A TLS server other than Go's sends an alert, or hangs up.
		for name, answer := range map[string]string{"alert": "\x15\x03\x01\x00\x02\x02\x46", "nothing": ""} {
			tlsRig := newTLSRig(t)
			desc := tlsRig.blob(t, "db/x", content(10))
			front := listen(t, func(conn net.Conn) {
				in := bufio.NewReader(conn)
				first, err := in.Peek(1)
				if err != nil {
					return
				}
				if first[0] != 0x16 { // no TLS handshake
					in.ReadString('\n')
					io.WriteString(conn, answer)
					return
				}
				up, err := net.Dial("tcp", tlsRig.host())
				if err != nil {
					return
				}
				defer up.Close()
				go io.Copy(up, in)
				io.Copy(conn, up)
			})
			c, _ := newClient(t, Options{})
			// The pool is given without saying that the host speaks HTTPS.
			c.o.Hosts = map[string]Host{front: {}}
			c.web.common = &http.Transport{TLSClientConfig: tlsRig.Client().Transport.(*http.Transport).TLSClientConfig, DisableKeepAlives: true}
			if _, err := readBlob(repository(t, c, front+"/db/x"), desc); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("plain-http = false", func(t *testing.T) {
		r := newRig(t)
		no := false
		c, _ := newClient(t, Options{Hosts: map[string]Host{r.host(): {PlainHTTP: &no}}})
		_, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0")
		if e := wantError[*SchemeError](t, err); e.Used != "https" {
			t.Errorf("error: %v", e)
		}
	})
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
	plain := newRig(t)
	_, data := plain.manifest(t, "db/x", "one", "1.0.0")
	yes := true
	for name, tc := range map[string]struct {
		o     Options
		asked string
	}{
		"default":    {Options{}, "CONNECT registry.example:443"},
		"plain-http": {Options{PlainHTTP: true}, "GET http://registry.example/v2/db/x/manifests/1.0.0"},
		"table":      {Options{Hosts: map[string]Host{"registry.example": {PlainHTTP: &yes}}}, "GET http://registry.example/v2/db/x/manifests/1.0.0"},
	} {
		p := newProxy(t, plain.host())
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

func TestPlainHTTPToTLSServer(t *testing.T) {
	r := newTLSRig(t)
	c, _ := newClient(t, Options{PlainHTTP: true})
	_, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0")
	if e := wantError[*SchemeError](t, err); e.Used != "http" || e.Host != r.host() {
		t.Errorf("error: %#v", e)
	}
}

func TestTLSThroughProxy(t *testing.T) {
	r := newTLSRig(t) // its certificate is example.com's too
	_, data := r.manifest(t, "db/x", "one", "1.0.0")
	p := newProxy(t, r.host())
	c, _ := newClient(t, Options{CAFile: caFile(t, r.Server), Proxy: p.url})
	_, got, err := repository(t, c, "example.com/db/x").Manifest(context.Background(), "1.0.0")
	if err != nil || !bytes.Equal(got, data) {
		t.Fatal(err)
	}
	if proto := r.seen()[0].header; proto.Get("User-Agent") != defaultUserAgent {
		t.Errorf("header: %v", proto)
	}
	_, err = repository(t, c, "other.example/db/x").Resolve(context.Background(), "1.0.0")
	if e := wantError[*TLSError](t, err); e.Kind != TLSHostname {
		t.Errorf("error: %#v", e)
	}
}

func TestClientCertificate(t *testing.T) {
	r := startUnstarted(t, func(s *httptest.Server) { s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert} })
	r.manifest(t, "db/x", "one", "1.0.0")
	ca := caFile(t, r.Server)
	c, _ := newClient(t, Options{CAFile: ca})
	_, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0")
	if e := wantError[*TLSError](t, err); e.Kind != TLSClientCertificate {
		t.Errorf("error: %#v", e)
	}
	cert, key := clientPair(t)
	c, _ = newClient(t, Options{Hosts: map[string]Host{r.host(): {CAFile: ca, ClientCert: cert, ClientKey: key}}})
	if _, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0"); err != nil {
		t.Error(err)
	}
}

func TestUnreachable(t *testing.T) {
	closed := httptest.NewServer(nil)
	address := closed.Listener.Addr().String()
	closed.Close()
	silent := listen(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	for name, tc := range map[string]struct {
		host string
		o    Options
		kind NetworkKind
	}{
		"refused": {address, Options{}, NetworkRefused},
		"dns":     {"registry.invalid", Options{}, NetworkDNS},
		"silent":  {silent, Options{HeaderTimeout: 20 * time.Millisecond}, NetworkTimeout},
	} {
		c, k := newClient(t, tc.o)
		_, err := repository(t, c, tc.host+"/db/x").Resolve(context.Background(), "1.0.0")
		if e := wantError[*UnreachableError](t, err); e.Kind != tc.kind || e.Host != tc.host {
			t.Errorf("%s: %#v", name, e)
		}
		if len(k.slept) != 0 {
			t.Errorf("%s: tried again", name)
		}
	}
}

func TestProxyRefuses(t *testing.T) {
	p := newProxy(t, "")
	for _, p.refuse = range []int{http.StatusForbidden, http.StatusProxyAuthRequired} {
		c, _ := newClient(t, Options{Proxy: p.url})
		_, err := repository(t, c, "registry.example/db/x").Resolve(context.Background(), "1.0.0")
		if e := wantError[*UnreachableError](t, err); e.Kind != NetworkProxy || e.Host != "registry.example" {
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
	if e := wantError[*UnreachableError](t, err); e.Kind != NetworkProxy || strings.Contains(e.Error(), "s3cret") {
		t.Errorf("error: %v", e)
	}
}

func TestOffline(t *testing.T) {
	r := newRig(t)
	desc, data := r.manifest(t, "db/x", "one", "1.0.0")
	cache := t.TempDir()
	c, _ := newClient(t, Options{CacheDir: cache})
	if _, _, err := repository(t, c, r.host()+"/db/x").Manifest(context.Background(), "1.0.0"); err != nil {
		t.Fatal(err)
	}
	r.setFault(nil)
	asked := 0
	c, _ = newClient(t, Options{CacheDir: cache, Offline: true, Proxy: func(*http.Request) (*url.URL, error) { asked++; return nil, nil }})
	repo := repository(t, c, r.host()+"/db/x")
	ctx := context.Background()
	_, got, err := repo.Manifest(ctx, desc.Digest.String())
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("cached manifest: %v", err)
	}
	_, _, byTag := repo.Manifest(ctx, "1.0.0")
	_, resolve := repo.Resolve(ctx, "1.0.0")
	_, err2 := allTags(repo)
	_, blob := readBlob(repo, desc)
	_, ping := c.Ping(ctx, "registry.invalid")
	for i, err := range []error{byTag, resolve, err2, blob, ping} {
		if e := wantError[*OfflineError](t, err); e.What == "" {
			t.Errorf("%d: %#v", i, e)
		}
	}
	if len(r.seen()) != 0 || asked != 0 {
		t.Errorf("requests: %v", r.seen())
	}
}

// A redirect to another host, or another port of the same one, gets neither
// credentials nor the address it was sent from; nothing of a signed URL shows
// in errors or events.
func TestRedirect(t *testing.T) {
	data := content(5000)
	var got []record
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		got = append(got, record{auth: req.Header.Get("Authorization"), rng: req.Header.Get("Range"), header: req.Header.Clone()})
		if len(got) == 1 {
			w.Header().Set("Content-Length", "5000")
			w.Write(data[:2000])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(data))
	}))
	cdn.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(cdn.Close)
	r := newRig(t)
	desc := r.blob(t, "db/x", data)
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if user, pass, _ := req.BasicAuth(); user != "u" || pass != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		}
		http.Redirect(w, req, cdn.URL+"/blob?X-Signature=s3cret", http.StatusTemporaryRedirect)
		return true
	})
	var told events
	c, _ := newClient(t, Options{Events: told.add, Credentials: CredentialPaths{DockerConfig: dockerConfig(t, map[string]string{r.host(): "u:s3cret"})}})
	body, err := readBlob(repository(t, c, r.host()+"/db/x"), desc)
	if err != nil || !bytes.Equal(body, data) {
		t.Fatal(err)
	}
	if len(got) != 2 || got[1].rng != "bytes=2000-4999" {
		t.Errorf("the other host was asked %v", got)
	}
	for _, rec := range got {
		if rec.auth != "" || rec.header.Get("Referer") != "" {
			t.Errorf("the other host was told %v", rec.header)
		}
	}
	for _, ev := range told.all {
		if text := ev.URL + ev.Subject; strings.Contains(text, "s3cret") || ev.Err != nil && strings.Contains(ev.Err.Error(), "s3cret") {
			t.Errorf("event: %+v", ev)
		}
	}
	cdn.Close()
	_, err = readBlob(repository(t, c, r.host()+"/db/x"), desc)
	e := wantError[*UnreachableError](t, err)
	if strings.Contains(e.Error(), "s3cret") || e.Host != cdn.Listener.Addr().String() {
		t.Errorf("error: %v", e)
	}
}

func TestRedirectRefused(t *testing.T) {
	desc := newRig(t).blob(t, "db/x", content(10))
	for name, to := range map[string]string{
		"plain HTTP elsewhere": "http://cdn.example/blob?sig=s3cret",
		"another scheme":       "ftp://cdn.example/blob?sig=s3cret",
		"round and round":      "",
	} {
		r := newRig(t)
		r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			http.Redirect(w, req, to, http.StatusFound)
			return true
		})
		c, k := newClient(t, Options{})
		_, err := readBlob(repository(t, c, r.host()+"/db/x"), desc)
		if err == nil || strings.Contains(err.Error(), "s3cret") || len(r.seen()) > maxRedirects || len(k.slept) != 0 {
			t.Errorf("%s: %v after %d requests", name, err, len(r.seen()))
		}
		t.Log(err)
	}
}

func TestHTTP2(t *testing.T) {
	r := newTLSRig(t)
	desc := r.blob(t, "db/x", content(200_000))
	proto := ""
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		proto = req.Proto
		if n == 1 {
			r.cutAfter(100_000, w, req)
		}
		return false
	})
	c, _ := newClient(t, Options{CAFile: caFile(t, r.Server)})
	if _, err := readBlob(repository(t, c, r.host()+"/db/x"), desc); err != nil {
		t.Fatal(err)
	}
	if s := c.Stats(); proto != "HTTP/2.0" || s.Bytes[KindBlob] != 200_000 {
		t.Errorf("%s, stats %+v", proto, s)
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost:5000": true, "127.0.0.1:5000": true, "127.9.9.9": true, "[::1]:5000": true, "[::1]": true,
		"registry.localhost:80": true, "[::ffff:127.0.0.1]:5": true,
		"localhost.example": false, "128.0.0.1": false, "0.0.0.0:5000": false, "10.0.0.1": false, "notlocalhost": false, "127.0.0.1.nip.io": false, "[::2]": false,
	} {
		if isLoopback(host) != want {
			t.Errorf("isLoopback(%q) = %v", host, !want)
		}
	}
}
