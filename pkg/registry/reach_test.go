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

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

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
			if wire.IsLoopback(req.URL.Host) { // as the environment's proxy does
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
			ask    func(Target) error
		}{
			"a redirect": {
				func(w http.ResponseWriter, req *http.Request) {
					w.Header().Set("Location", "http://"+to+"/admin/stop")
					w.WriteHeader(http.StatusTemporaryRedirect)
				},
				func(r Target) error { _, err := allTags(r); return err },
			},
			"a token service": {
				func(w http.ResponseWriter, req *http.Request) {
					w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+to+`/token"`)
					w.WriteHeader(http.StatusUnauthorized)
				},
				func(r Target) error { _, err := allTags(r); return err },
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
				func(r Target) error { return r.PushBlob(context.Background(), desc, opener([]byte("x"))) },
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

// Docker Hub has several names and is one registry.
func TestDockerHubsNames(t *testing.T) {
	c, _ := newClient(t, Options{Mirrors: []Mirror{{Prefix: "index.docker.io/schemahero", Targets: []string{"mirror.internal/hub"}}}})
	var ends []*endpoint
	for _, host := range wire.HubNames() {
		r := repository(t, c, host+"/schemahero/x").(*remote)
		if len(r.sources) != 2 || r.sources[0].name() != "mirror.internal/hub/x" || r.Name() != host+"/schemahero/x" {
			t.Errorf("%s: sources %v", host, r.sources)
		}
		if wire.HostOf(host) != "registry-1.docker.io" {
			t.Errorf("%s is asked at %s", host, wire.HostOf(host))
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
	target := registrytest.NewTLS(t, wantsCertificate)
	target.Manifest(t, "db/x", "one", "1.0.0")
	shown := make(chan int, 10)
	proxy := registrytest.NewTLS(t, wantsCertificate)
	proxy.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		shown <- len(req.TLS.PeerCertificates)
		conn, in, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		defer conn.Close()
		up, err := net.Dial("tcp", target.Host())
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
	target.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		seen = len(req.TLS.PeerCertificates)
		if req.ProtoMajor != 2 {
			t.Errorf("asked over %s", req.Proto)
		}
		return false
	})
	cert, key := clientPair(t)
	for name, through := range map[string]bool{"directly": false, "through the proxy": true} {
		o := Options{CAFile: caFile(t, target.Server), Hosts: map[string]Host{target.Host(): {CAFile: caFile(t, proxy.Server), ClientCert: cert, ClientKey: key}}}
		if through {
			o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
		}
		seen = 0
		c, _ := newClient(t, o)
		if _, err := repository(t, c, target.Host()+"/db/x").Resolve(context.Background(), "1.0.0"); err != nil {
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

// away is a connection that looks as if it led to another machine.
type away struct{ net.Conn }

func (away) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// A name can lead into this machine too; and who is on it, whatever its name, may
// lead to it.
func TestNamesThatLeadInward(t *testing.T) {
	inside := listenHTTP(t, func(w http.ResponseWriter, req *http.Request) { io.WriteString(w, `{"tags":["1.0.0"],"token":"t"}`) })
	for how, answer := range map[string]http.HandlerFunc{
		"a redirect": func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, "http://inside.example/v2/db/x/tags/list", http.StatusTemporaryRedirect)
		},
		"a redirect by address": func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, "http://"+inside+"/v2/db/x/tags/list", http.StatusTemporaryRedirect)
		},
		"a token service": func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("Authorization") == "Bearer t" {
				io.WriteString(w, `{"tags":["1.0.0"]}`)
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://inside.example/token"`)
			w.WriteHeader(http.StatusUnauthorized)
		},
	} {
		front := listenHTTP(t, answer)
		for _, here := range []bool{false, true} {
			c, _ := newClient(t, Options{PlainHTTP: true, tests: wire.Options{
				Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
					to := inside
					if strings.HasPrefix(address, "registry.example:") {
						to = front
					}
					conn, err := new(net.Dialer).DialContext(ctx, network, to)
					if err == nil && to == front && !here {
						conn = away{conn}
					}
					return conn, err
				},
			}})
			tags, err := allTags(repository(t, c, "registry.example/db/x"))
			if here {
				if err != nil || len(tags) != 1 {
					t.Errorf("%s, from this machine: %v", how, err)
				}
				continue
			}
			if e := wantError[*ProtocolError](t, err); e.Host != "registry.example" || !strings.Contains(e.Problem, "on this machine") {
				t.Errorf("%s: %v", how, err)
			}
		}
	}
}
