package registry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func TestOneTokenForSeveralRepositories(t *testing.T) {
	ctx := context.Background()
	names := []string{"public/a", "public/b", "public/c", "public/d"}
	resolveAll := func(t *testing.T, r *registrytest.Registry, c *Client) {
		t.Helper()
		var repos []Repository
		for _, name := range names {
			r.Manifest(t, name, name, "1.0.0")
			repos = append(repos, repository(t, c, r.Host()+"/"+name))
		}
		var wg sync.WaitGroup
		for _, repo := range repos {
			wg.Go(func() {
				if _, err := repo.Resolve(ctx, "1.0.0"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	t.Run("granted", func(t *testing.T) {
		r, s := registrytest.New(t), newTokens(t)
		r.SetFault(s.guard)
		c, _ := newClient(t, Options{})
		resolveAll(t, r, c)
		if asked := s.requests(); len(asked) != 1 || len(asked[0].scopes) != 4 {
			t.Errorf("tokens: %v", asked)
		}
	})
	t.Run("refused", func(t *testing.T) {
		r, s := registrytest.New(t), newTokens(t)
		s.oneScope = true
		r.SetFault(s.guard)
		c, _ := newClient(t, Options{})
		resolveAll(t, r, c)
		if asked := s.requests(); len(asked) != 5 { // one try for all, then each
			t.Errorf("tokens: %v", asked)
		}
	})
	t.Run("granted in part", func(t *testing.T) {
		for _, opaque := range []bool{false, true} {
			r, s := registrytest.New(t), newTokens(t)
			s.opaque = opaque
			r.SetFault(s.guard)
			c, _ := newClient(t, Options{})
			repository(t, c, r.Host()+"/private/z") // named, and not for us
			resolveAll(t, r, c)
			if asked := s.requests(); len(asked) != 1 || len(asked[0].scopes) != 5 {
				t.Errorf("tokens: %v", asked)
			}
			_, err := repository(t, c, r.Host()+"/private/z").Resolve(ctx, "1.0.0")
			if e := wantError[*AuthError](t, err); e.Cause != AuthMissing {
				t.Errorf("error: %#v", e)
			}
		}
	})
	t.Run("another user's", func(t *testing.T) {
		r, s := registrytest.New(t), newTokens(t)
		r.SetFault(s.guard)
		// Podman's path entries: db/ is read as u, the rest anonymously.
		file := dockerConfig(t, map[string]string{r.Host() + "/db": "u:s3cret"})
		c, _ := newClient(t, Options{Credentials: CredentialPaths{AuthFile: file}})
		names = []string{"public/a", "db/b", "public/c", "db/d"}
		resolveAll(t, r, c)
		asked := s.requests()
		if len(asked) != 2 {
			t.Fatalf("tokens: %v", asked)
		}
		for _, a := range asked {
			for _, scope := range a.scopes {
				if strings.Contains(scope, ":db/") != (a.user == "u") {
					t.Errorf("%s was asked for as %q", scope, a.user)
				}
			}
		}
	})
}

func TestTokenExpires(t *testing.T) {
	r, s := registrytest.New(t), newTokens(t)
	s.lifetime = 300
	r.Manifest(t, "public/x", "one", "1.0.0")
	r.SetFault(s.guard)
	c, k := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/public/x")
	resolve := func(tokens int) {
		t.Helper()
		if _, err := repo.Resolve(context.Background(), "1.0.0"); err != nil {
			t.Fatal(err)
		}
		if n := len(s.requests()); n != tokens {
			t.Errorf("%d tokens, want %d", n, tokens)
		}
	}
	resolve(1)
	k.sleep(context.Background(), 200*time.Second)
	resolve(1)
	k.sleep(context.Background(), 100*time.Second)
	resolve(2)
	s.revoke() // it was promised to live longer
	resolve(3)
}

// A token service that is not the registry's own is trusted with credentials
// only over HTTPS, or on this machine where the registry is too.
func TestRealm(t *testing.T) {
	for realm, ok := range map[string]bool{
		"http://auth.example/token": false,
		"ftp://auth.example/token":  false,
		"token":                     false,
		"http://127.0.0.1:1/token":  true,
		"https://127.0.0.1:1/token": true,
	} {
		r := registrytest.New(t)
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`",service="x"`)
			return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		})
		c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: dockerConfig(t, map[string]string{r.Host(): "u:s3cret"})}})
		_, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
		var cut *UnreachableError
		if errors.As(err, &cut) != ok {
			t.Errorf("%s: %v", realm, err)
		}
		if !ok {
			wantError[*ProtocolError](t, err)
			if c.Stats().Requests[wire.KindToken] != 0 {
				t.Errorf("%s was asked", realm)
			}
		}
	}
}

// A token service that does not work is tried as a registry is, five times, for
// all requests that wait for a token; and whatever it answers says nothing of
// what there is.
func TestTokenServiceFails(t *testing.T) {
	for status, tries := range map[int]int{http.StatusInternalServerError: wire.MaxTries, http.StatusNotFound: 1} {
		r, s := registrytest.New(t), newTokens(t)
		asked := 0
		realm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			asked++
			refuse(w, status, "BROKEN")
		}))
		defer realm.Close()
		s.Server.URL = realm.URL
		var begun sync.WaitGroup // all three have asked before one learns that a token is wanted
		begun.Add(3)
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			if n <= 3 {
				begun.Done()
				begun.Wait()
			}
			return s.guard(n, w, req)
		})
		c, _ := newClient(t, Options{})
		var wg sync.WaitGroup
		for _, name := range []string{"a", "b", "c"} {
			repo := repository(t, c, r.Host()+"/db/"+name)
			wg.Go(func() {
				_, err := repo.Resolve(context.Background(), "1.0.0")
				e := wantError[*StatusError](t, err)
				if e.Host != r.Host() || "http://"+e.TokenHost != realm.URL || e.Repository != repo.Name() || e.Status != status || errors.Is(err, artifact.ErrNotFound) {
					t.Errorf("%d: %v", status, err)
				}
			})
		}
		wg.Wait()
		if status >= 500 && asked != tries {
			t.Errorf("%d: %d token requests, want %d", status, asked, tries)
		}
	}
}

func TestTokenRequestIsNotRedirected(t *testing.T) {
	asked := false
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = true }))
	defer thief.Close()
	realm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	}))
	defer realm.Close()
	for _, config := range []string{`{"auths":{"HOST":{"identitytoken":"id3ntity"}}}`, `{"auths":{"HOST":{"username":"u","password":"s3cret"}}}`} {
		r := registrytest.New(t)
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm.URL+`"`)
			return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		})
		file := filepath.Join(t.TempDir(), "config.json")
		write(t, file, []byte(strings.ReplaceAll(config, "HOST", r.Host())))
		c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
		_, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
		wantError[*ProtocolError](t, err)
		if asked {
			t.Error("the redirect was followed")
		}
	}
}
