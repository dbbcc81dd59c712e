package registry

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

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
		r := registrytest.New(t)
		desc := r.Blob(t, "db/x", content(10))
		c, _ := newClient(t, Options{})
		if _, err := readBlob(repository(t, c, r.Host()+"/db/x"), desc); err != nil {
			t.Error(err)
		}
	})
	t.Run("https", func(t *testing.T) {
		r := registrytest.NewTLS(t, nil)
		desc := r.Blob(t, "db/x", content(10))
		c, _ := newClient(t, Options{Hosts: map[string]Host{r.Host(): {CAFile: caFile(t, r.Server)}}})
		if _, err := readBlob(repository(t, c, r.Host()+"/db/x"), desc); err != nil {
			t.Error(err)
		}
	})
	t.Run("https unasked, unknown authority", func(t *testing.T) {
		r := registrytest.NewTLS(t, nil)
		c, k := newClient(t, Options{})
		_, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
		if e := wantError[*TLSError](t, err); e.Cause != TLSUnknownAuthority || e.Host != r.Host() {
			t.Errorf("error: %#v", e)
		}
		if len(k.slept) != 0 {
			t.Error("tried again")
		}
	})
	t.Run("garbled answer to plain HTTP", func(t *testing.T) {
		// A TLS server other than Go's sends an alert, or hangs up.
		for name, answer := range map[string]string{"alert": "\x15\x03\x01\x00\x02\x02\x46", "nothing": ""} {
			tlsRig := registrytest.NewTLS(t, nil)
			desc := tlsRig.Blob(t, "db/x", content(10))
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
				up, err := net.Dial("tcp", tlsRig.Host())
				if err != nil {
					return
				}
				defer up.Close()
				go io.Copy(up, in)
				io.Copy(conn, up)
			})
			c, k := newClient(t, Options{})
			_, err := readBlob(repository(t, c, front+"/db/x"), desc)
			// Its certificate was seen, so it was asked over TLS.
			if e := wantError[*TLSError](t, err); e.Cause != TLSUnknownAuthority || len(k.slept) != 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("plain-http = false", func(t *testing.T) {
		r := registrytest.New(t)
		no := false
		c, _ := newClient(t, Options{Hosts: map[string]Host{r.Host(): {PlainHTTP: &no}}})
		_, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
		if e := wantError[*SchemeError](t, err); e.Used != "https" {
			t.Errorf("error: %v", e)
		}
	})
}

func TestPlainHTTPToTLSServer(t *testing.T) {
	r := registrytest.NewTLS(t, nil)
	c, _ := newClient(t, Options{PlainHTTP: true})
	_, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
	if e := wantError[*SchemeError](t, err); e.Used != "http" || e.Host != r.Host() {
		t.Errorf("error: %#v", e)
	}
}

// Whatever a server says that does not speak TLS, HTTP or not, it is told as that.
func TestHTTPSToPlainServer(t *testing.T) {
	for _, says := range []string{"HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail.example ESMTP\r\n", "<html>Bad request</html>"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.Read(make([]byte, 1<<10))
				io.WriteString(conn, says)
				conn.Close()
			}
		}()
		no := false
		host := l.Addr().String()
		c, _ := newClient(t, Options{Hosts: map[string]Host{host: {PlainHTTP: &no}}})
		_, err = repository(t, c, host+"/db/x").Resolve(context.Background(), "1.0.0")
		if e := wantError[*SchemeError](t, err); e.Used != "https" || e.Host != host {
			t.Errorf("%q: %v", says, err)
		}
	}
}

func TestClientCertificate(t *testing.T) {
	r := registrytest.NewTLS(t, func(s *httptest.Server) { s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert} })
	r.Manifest(t, "db/x", "one", "1.0.0")
	ca := caFile(t, r.Server)
	c, _ := newClient(t, Options{CAFile: ca})
	_, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
	if e := wantError[*TLSError](t, err); e.Cause != TLSClientCertificate {
		t.Errorf("error: %#v", e)
	}
	cert, key := clientPair(t)
	c, _ = newClient(t, Options{Hosts: map[string]Host{r.Host(): {CAFile: ca, ClientCert: cert, ClientKey: key}}})
	if _, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0"); err != nil {
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
		kind wire.NetworkKind
	}{
		"refused": {address, Options{}, NetworkRefused},
		"dns":     {"registry.invalid", Options{}, NetworkDNS},
		"silent":  {silent, Options{tests: wire.Options{HeaderTimeout: 20 * time.Millisecond}}, wire.NetworkTimeout},
	} {
		c, k := newClient(t, tc.o)
		_, err := repository(t, c, tc.host+"/db/x").Resolve(context.Background(), "1.0.0")
		if e := wantError[*UnreachableError](t, err); e.Cause != tc.kind || e.Host != tc.host {
			t.Errorf("%s: %#v", name, e)
		}
		if again := tc.kind == wire.NetworkTimeout; len(k.slept) > 0 != again {
			t.Errorf("%s: waits %v", name, k.slept)
		}
	}
}

func TestOffline(t *testing.T) {
	r := registrytest.New(t)
	desc, data := r.Manifest(t, "db/x", "one", "1.0.0")
	cache := t.TempDir()
	c, _ := newClient(t, Options{CacheDir: cache})
	if _, _, err := repository(t, c, r.Host()+"/db/x").Manifest(context.Background(), "1.0.0"); err != nil {
		t.Fatal(err)
	}
	r.SetFault(nil)
	asked := 0
	c, _ = newClient(t, Options{CacheDir: cache, Offline: true, Proxy: func(*http.Request) (*url.URL, error) { asked++; return nil, nil }})
	repo := repository(t, c, r.Host()+"/db/x")
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
	if len(r.Seen()) != 0 || asked != 0 {
		t.Errorf("requests: %v", r.Seen())
	}
}

func TestHTTP2(t *testing.T) {
	r := registrytest.NewTLS(t, nil)
	desc := r.Blob(t, "db/x", content(200_000))
	proto := ""
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		proto = req.Proto
		if n == 1 {
			r.CutAfter(100_000, w, req)
		}
		return false
	})
	c, _ := newClient(t, Options{CAFile: caFile(t, r.Server)})
	if _, err := readBlob(repository(t, c, r.Host()+"/db/x"), desc); err != nil {
		t.Fatal(err)
	}
	if s := c.Stats(); proto != "HTTP/2.0" || s.Bytes[wire.KindBlob] != 200_000 {
		t.Errorf("%s, stats %+v", proto, s)
	}
}
