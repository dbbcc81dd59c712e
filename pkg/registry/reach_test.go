package registry

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestLeadsInward(t *testing.T) {
	here := []string{"127.0.0.1:80", "127.9.9.9", "localhost", "LOCALHOST.:5000", "a.localhost", "[::1]:80", "[::ffff:127.0.0.1]:1", "0.0.0.0:80", "[::]:80"}
	near := []string{"169.254.169.254", "169.254.0.1:80", "[fe80::1]:80", "[fe80::1%25eth0]", "[febf::1]", "[::ffff:169.254.169.254]"}
	away := []string{"registry.example", "10.0.0.1:5000", "192.168.1.1", "[2001:db8::1]", "localhost.example", "127.0.0.1.example", "[fec0::1]"}
	for from, group := range map[string][]string{"here": here, "near": near, "away": away} {
		for _, f := range group {
			for to, targets := range map[string][]string{"here": here, "near": near, "away": away} {
				for _, target := range targets {
					if refused := leadsInward(f, target) != ""; refused != (to != "away" && to != from) {
						t.Errorf("from %s to %s: refused %v", f, target, refused)
					}
				}
			}
		}
	}
}

// remoteRegistry serves answers as registry.example, over plain HTTP through a
// proxy.
func remoteRegistry(t *testing.T, credentials CredentialPaths, answer http.HandlerFunc) (*Client, *events) {
	told := &events{}
	front := listenHTTP(t, answer)
	yes := true
	c, _ := newClient(t, Options{
		Credentials: credentials, Events: told.add,
		Hosts: map[string]Host{"registry.example": {PlainHTTP: &yes}},
		Proxy: func(req *http.Request) (*url.URL, error) {
			if isLoopback(req.URL.Host) { // as the environment's proxy does
				return nil, nil
			}
			return &url.URL{Scheme: "http", Host: front}, nil
		},
	})
	return c, told
}

func listenHTTP(t *testing.T, answer http.HandlerFunc) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: answer}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// Who is elsewhere sends nobody into this machine: not by a redirect, a token
// service or an upload's location.
func TestNobodyIsSentInward(t *testing.T) {
	asked := 0
	inside := listenHTTP(t, func(w http.ResponseWriter, req *http.Request) { asked++ })
	_, port, _ := net.SplitHostPort(inside)
	desc := ocispec.Descriptor{Digest: digest.FromString("x"), Size: 1}
	for _, to := range []string{inside, "localhost:" + port, "[::ffff:127.0.0.1]:" + port, "0.0.0.0:" + port, "169.254.169.254"} {
		for how, tc := range map[string]struct {
			answer http.HandlerFunc
			ask    func(Repository) error
		}{
			"a redirect": {
				func(w http.ResponseWriter, req *http.Request) {
					w.Header().Set("Location", "http://"+to+"/admin/stop")
					w.WriteHeader(http.StatusTemporaryRedirect)
				},
				func(r Repository) error { _, err := allTags(r); return err },
			},
			"a token service": {
				func(w http.ResponseWriter, req *http.Request) {
					w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+to+`/token"`)
					w.WriteHeader(http.StatusUnauthorized)
				},
				func(r Repository) error { _, err := allTags(r); return err },
			},
			"an upload": {
				func(w http.ResponseWriter, req *http.Request) {
					if req.Method == http.MethodHead {
						w.WriteHeader(http.StatusNotFound)
						return
					}
					w.Header().Set("Location", "http://"+to+"/upload")
					w.WriteHeader(http.StatusAccepted)
				},
				func(r Repository) error { return r.PushBlob(context.Background(), desc, opener([]byte("x"))) },
			},
		} {
			c, told := remoteRegistry(t, CredentialPaths{}, tc.answer)
			err := tc.ask(repository(t, c, "registry.example/db/x"))
			e := wantError[*ProtocolError](t, err)
			if asked != 0 || e.Host != "registry.example" || !strings.Contains(e.Problem, to) || len(told.of(EventRetry)) != 0 {
				t.Errorf("%s to %s: %v, %d requests", how, to, err, asked)
			}
		}
	}
}

// A token service over plain HTTP is asked with credentials where the registry
// is declared to be on plain HTTP and both are one host; without them also
// elsewhere, where plain HTTP is allowed.
func TestPlainRealm(t *testing.T) {
	yes := true
	secret, anonymous := credential{username: "u", password: "s3cret"}, credential{}
	for _, tc := range []struct {
		over, registry, realm string
		cred                  credential
		want                  string
	}{
		{"http", "harbor.lan:8080", "http://harbor.lan:8080/token", secret, "http://harbor.lan:8080/token"},
		{"http", "harbor.lan:8080", "http://HARBOR.lan/token", secret, "http://HARBOR.lan/token"},
		{"http", "harbor.lan:8080", "http://u:p@harbor.lan/token", secret, "http://harbor.lan/token"},
		{"http", "harbor.lan:8080", "https://auth.example/token", secret, "https://auth.example/token"},
		{"http", "harbor.lan:8080", "http://auth.example/token", secret, ""},
		{"http", "harbor.lan:8080", "http://auth.example/token", anonymous, ""},
		{"http", "harbor.lan:8080", "http://plain.lan/token", anonymous, "http://plain.lan/token"},
		{"http", "harbor.lan:8080", "http://plain.lan/token", secret, ""},
		// TLS is spoken by a proxy before the registry, which does not know it.
		{"https", "harbor.lan", "http://harbor.lan/token", secret, "https://harbor.lan/token"},
		{"https", "harbor.lan", "http://harbor.lan:80/token", secret, "https://harbor.lan/token"},
		{"https", "harbor.lan:8443", "http://harbor.lan:8443/token", secret, "https://harbor.lan:8443/token"},
		{"https", "harbor.lan:8443", "http://harbor.lan/token", secret, "https://harbor.lan:8443/token"},
		{"https", "harbor.lan", "http://harbor.lan:8080/token", secret, ""},
		{"https", "harbor.lan", "http://auth.lan/token", secret, ""},
		{"https", "harbor.lan", "http://plain.lan/token", anonymous, "http://plain.lan/token"},
		{"http", "127.0.0.1:5000", "http://localhost:5001/token", secret, "http://localhost:5001/token"},
		{"https", "harbor.lan", "https://localhost/token", anonymous, ""},
		{"https", "harbor.lan", "ftp://harbor.lan/token", anonymous, ""},
	} {
		c, _ := newClient(t, Options{Hosts: map[string]Host{"plain.lan": {PlainHTTP: &yes}}})
		got, err := c.realm(c.endpoint(tc.registry), tc.cred, need{over: tc.over, challenge: challenge{realm: tc.realm}})
		if tc.want == "" && err == nil || tc.want != "" && (err != nil || got.String() != tc.want) {
			t.Errorf("%s over %s names %s: %v %v, want %q", tc.registry, tc.over, tc.realm, got, err, tc.want)
		}
	}
}

// The whole way: a registry on plain HTTP with its own token service.
func TestPlainRegistryWithTokens(t *testing.T) {
	for _, auths := range []map[string]string{nil, {"registry.example": "u:s3cret"}} {
		bore := ""
		c, _ := remoteRegistry(t, CredentialPaths{DockerConfig: dockerConfig(t, auths)}, func(w http.ResponseWriter, req *http.Request) {
			switch {
			case req.URL.Path == "/token":
				bore = req.Header.Get("Authorization")
				io.WriteString(w, `{"token":"t0ken"}`)
			case req.Header.Get("Authorization") != "Bearer t0ken":
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://registry.example/token"`)
				w.WriteHeader(http.StatusUnauthorized)
			default:
				io.WriteString(w, `{"tags":["1.0.0"]}`)
			}
		})
		tags, err := allTags(repository(t, c, "registry.example/db/x"))
		if err != nil || len(tags) != 1 || (bore != "") != (auths != nil) {
			t.Errorf("%v %v, the token service got %q", tags, err, bore)
		}
	}
}

func TestTableKey(t *testing.T) {
	yes := true
	for _, group := range [][]string{
		{"registry.example", "registry.example:443", "Registry.Example"},
		{"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "docker.io:443"},
		{"registry.example:5000"},
		{"[::1]", "[::1]:443"},
	} {
		for _, written := range group {
			o := Options{Hosts: map[string]Host{written: {PlainHTTP: &yes}}}
			for _, asked := range group {
				if h, ok := o.table(asked); !ok || h.PlainHTTP == nil {
					t.Errorf("a table for %s is none for %s", written, asked)
				}
			}
			if _, ok := o.table("other.example"); ok {
				t.Errorf("a table for %s is one for all", written)
			}
		}
	}
	no := false
	o := Options{Hosts: map[string]Host{"h.example": {PlainHTTP: &yes}, "h.example:443": {PlainHTTP: &no}}}
	for host, want := range map[string]bool{"h.example": true, "h.example:443": false} {
		if h, _ := o.table(host); *h.PlainHTTP != want {
			t.Errorf("%s: the other spelling counts", host)
		}
	}
}

// Docker Hub has several names and is one registry.
func TestDockerHubsNames(t *testing.T) {
	c, _ := newClient(t, Options{Mirrors: []Mirror{{"index.docker.io/schemahero", []string{"mirror.internal/hub"}}}})
	var ends []*endpoint
	for _, host := range hubNames() {
		r := repository(t, c, host+"/schemahero/x").(*remote)
		if len(r.sources) != 2 || r.sources[0].name() != "mirror.internal/hub/x" || r.Name() != host+"/schemahero/x" {
			t.Errorf("%s: sources %v", host, r.sources)
		}
		if hostOf(host) != "registry-1.docker.io" {
			t.Errorf("%s is asked at %s", host, hostOf(host))
		}
		ends = append(ends, r.origin.ep)
	}
	for _, e := range ends {
		if e != ends[0] {
			t.Error("what is learnt of one name is not known of another")
		}
	}
}

// A client certificate is the registry's to see, not the proxy's.
func TestClientCertificateAtProxy(t *testing.T) {
	target := startUnstarted(t, wantsCertificate)
	target.manifest(t, "db/x", "one", "1.0.0")
	shown := make(chan int, 10)
	proxy := startUnstarted(t, wantsCertificate)
	proxy.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		shown <- len(req.TLS.PeerCertificates)
		conn, in, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		defer conn.Close()
		up, err := net.Dial("tcp", target.host())
		if err != nil {
			t.Error(err)
			return true
		}
		defer up.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go func(in *bufio.Reader) { io.Copy(up, in) }(in.Reader)
		io.Copy(conn, up)
		return true
	})
	seen := 0
	target.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		seen = len(req.TLS.PeerCertificates)
		if req.ProtoMajor != 2 {
			t.Errorf("asked over %s", req.Proto)
		}
		return false
	})
	cert, key := clientPair(t)
	for name, through := range map[string]bool{"directly": false, "through the proxy": true} {
		o := Options{CAFile: caFile(t, target.Server), Hosts: map[string]Host{target.host(): {CAFile: caFile(t, proxy.Server), ClientCert: cert, ClientKey: key}}}
		if through {
			o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
		}
		seen = 0
		c, _ := newClient(t, o)
		if _, err := repository(t, c, target.host()+"/db/x").Resolve(context.Background(), "1.0.0"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if seen != 1 {
			t.Errorf("%s: the registry saw %d certificates", name, seen)
		}
	}
	if n := <-shown; n != 0 {
		t.Errorf("the proxy saw %d certificates", n)
	}
}
