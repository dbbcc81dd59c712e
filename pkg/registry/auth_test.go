package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// tokens is a token service and the check of its tokens. The registry's users
// are "u" with password "s3cret" or identity token "id3ntity", who may read
// everything but secret/…, and anonymous ones, who may read public/….
type tokens struct {
	*httptest.Server
	opaque   bool // tokens do not tell what they are for
	oneScope bool // several scopes are refused
	lifetime int

	mu    sync.Mutex
	asked []url3
	valid map[string][]string // scopes by token
}

// url3 is a token request.
type url3 struct {
	method, user string
	scopes       []string
}

func newTokens(t testing.TB) *tokens {
	s := &tokens{valid: map[string][]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ParseForm()
	user, password, _ := r.BasicAuth()
	scopes := r.Form["scope"]
	if r.Method == http.MethodPost {
		scopes = strings.Fields(r.PostForm.Get("scope"))
		if r.PostForm.Get("grant_type") != "refresh_token" || r.PostForm.Get("refresh_token") != "id3ntity" || r.PostForm.Get("client_id") == "" {
			refuse(w, http.StatusBadRequest, "invalid_grant")
			return
		}
		user, password = "u", "s3cret"
	}
	s.asked = append(s.asked, url3{r.Method, user, scopes})
	if user != "" && (user != "u" || password != "s3cret") {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	}
	if s.oneScope && len(scopes) > 1 {
		refuse(w, http.StatusBadRequest, "ONE_AT_A_TIME")
		return
	}
	type access struct {
		Type    string   `json:"type"`
		Name    string   `json:"name"`
		Actions []string `json:"actions"`
	}
	granted, list := []string{}, []access{}
	for _, scope := range scopes {
		parts := strings.SplitN(scope, ":", 3)
		if len(parts) == 3 && (user == "" && strings.HasPrefix(parts[1], "public/") || user != "" && !strings.HasPrefix(parts[1], "secret/")) {
			granted = append(granted, scope)
			list = append(list, access{parts[0], parts[1], strings.Split(parts[2], ",")})
		}
	}
	claims, _ := json.Marshal(map[string]any{"access": list})
	token := fmt.Sprintf("h.%s.sig%d", base64.RawURLEncoding.EncodeToString(claims), len(s.asked))
	if s.opaque {
		token = fmt.Sprintf("opaque%d", len(s.asked))
	}
	s.valid[token] = granted
	json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": s.lifetime})
}

func (s *tokens) requests() []url3 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// revoke makes all tokens given so far worthless.
func (s *tokens) revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.valid = map[string][]string{}
}

// guard makes a rig ask for tokens.
func (s *tokens) guard(r *rig) {
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		repo := strings.TrimPrefix(req.URL.Path, "/v2/")
		for _, end := range []string{"/manifests/", "/blobs/", "/tags/"} {
			repo, _, _ = strings.Cut(repo, end)
		}
		action := "pull"
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			action = "pull,push"
		}
		scope := "repository:" + repo + ":" + action
		token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
		s.mu.Lock()
		granted, known := s.valid[token]
		s.mu.Unlock()
		if repo == "" && known || slices.Contains(granted, scope) || action == "pull" && slices.Contains(granted, scope+",push") {
			return false
		}
		problem := ""
		if known {
			problem = `,error="insufficient_scope"`
		}
		if repo != "" {
			problem = `,scope="` + scope + `"` + problem
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+s.URL+`/token",service="registry.test"`+problem)
		return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
	})
}

func TestBasic(t *testing.T) {
	r := newRig(t)
	r.manifest(t, "db/x", "one", "1.0.0")
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		switch user, password, _ := req.BasicAuth(); {
		case user == "u" && password == "s3cret":
			if strings.Contains(req.URL.Path, "/secret/") {
				return refuse(w, http.StatusForbidden, "DENIED")
			}
			return false
		default:
			w.Header().Set("WWW-Authenticate", `Basic realm="Registry"`)
			return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		}
	})
	ctx := context.Background()
	client := func(userPassword string) *Client {
		auths := map[string]string{"elsewhere.example": "u:s3cret"}
		if userPassword != "" {
			auths[r.host()] = userPassword
		}
		c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: dockerConfig(t, auths)}})
		return c
	}
	c := client("u:s3cret")
	for range 2 {
		if _, err := repository(t, c, r.host()+"/db/x").Resolve(ctx, "1.0.0"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(r.seen()); n != 3 {
		t.Errorf("%d requests, want one refusal and two answers", n)
	}
	_, err := repository(t, c, r.host()+"/secret/x").Resolve(ctx, "1.0.0")
	if e := wantError[*AuthError](t, err); e.Kind != AuthInsufficient || e.Username != "u" || errors.Is(err, artifact.ErrDenied) {
		t.Errorf("insufficient: %#v", e)
	}
	before := len(r.seen())
	_, err = repository(t, client(""), r.host()+"/db/x").Resolve(ctx, "1.0.0")
	if e := wantError[*AuthError](t, err); e.Kind != AuthMissing || e.Username != "" || !errors.Is(err, artifact.ErrDenied) {
		t.Errorf("missing: %#v", e)
	}
	if n := len(r.seen()) - before; n != 1 {
		t.Errorf("%d requests without credentials, want 1", n)
	}
	before = len(r.seen())
	_, err = repository(t, client("u:wr0ng"), r.host()+"/db/x").Resolve(ctx, "1.0.0")
	if e := wantError[*AuthError](t, err); e.Kind != AuthWrong || strings.Contains(e.Error(), "wr0ng") {
		t.Errorf("wrong: %#v", e)
	}
	if n := len(r.seen()) - before; n != 2 {
		t.Errorf("%d requests with wrong credentials, want 2", n)
	}
}

func TestBearer(t *testing.T) {
	for name, config := range map[string]string{
		"password": "", "identity": `{"auths":{"HOST":{"identitytoken":"id3ntity"}}}`,
		"anonymous": `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			r, s := newRig(t), newTokens(t)
			r.manifest(t, "public/x", "one", "1.0.0")
			s.guard(r)
			file := dockerConfig(t, map[string]string{r.host(): "u:s3cret"})
			if config != "" {
				write(t, file, []byte(strings.ReplaceAll(config, "HOST", r.host())))
			}
			c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
			repo := repository(t, c, r.host()+"/public/x")
			for range 3 {
				if _, err := repo.Resolve(context.Background(), "1.0.0"); err != nil {
					t.Fatal(err)
				}
			}
			if len(r.seen()) != 4 || len(s.requests()) != 1 {
				t.Errorf("requests: %v, tokens: %v", r.seen(), s.requests())
			}
			if got := c.Stats().Requests[KindToken]; got != 1 {
				t.Errorf("%d token requests counted", got)
			}
		})
	}
}

func TestBearerKinds(t *testing.T) {
	for _, opaque := range []bool{false, true} {
		for _, tc := range []struct {
			repo, login string
			kind        AuthKind
			requests    int // of the registry
			tokens      int
		}{
			{"private/x", "", AuthMissing, 2, 1},
			{"private/x", "u:wr0ng", AuthWrong, 1, 1},
			{"secret/x", "u:s3cret", AuthInsufficient, 2, 1},
		} {
			r, s := newRig(t), newTokens(t)
			s.opaque = opaque
			s.guard(r)
			auths := map[string]string{}
			if tc.login != "" {
				auths[r.host()] = tc.login
			}
			c, k := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: dockerConfig(t, auths)}})
			_, err := repository(t, c, r.host()+"/"+tc.repo).Resolve(context.Background(), "1.0.0")
			if e := wantError[*AuthError](t, err); e.Kind != tc.kind || e.Repository != r.host()+"/"+tc.repo {
				t.Errorf("%+v: %#v", tc, e)
			}
			if len(r.seen()) != tc.requests || len(s.requests()) != tc.tokens || len(k.slept) != 0 {
				t.Errorf("%+v: requests %v, tokens %v", tc, r.seen(), s.requests())
			}
			if strings.Contains(err.Error(), "wr0ng") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("secret in %v", err)
			}
		}
	}
}

func TestOneTokenForSeveralRepositories(t *testing.T) {
	ctx := context.Background()
	names := []string{"public/a", "public/b", "public/c", "public/d"}
	resolveAll := func(t *testing.T, r *rig, c *Client) {
		t.Helper()
		var repos []Repository
		for _, name := range names {
			r.manifest(t, name, name, "1.0.0")
			repos = append(repos, repository(t, c, r.host()+"/"+name))
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
		r, s := newRig(t), newTokens(t)
		s.guard(r)
		c, _ := newClient(t, Options{})
		resolveAll(t, r, c)
		if asked := s.requests(); len(asked) != 1 || len(asked[0].scopes) != 4 {
			t.Errorf("tokens: %v", asked)
		}
	})
	t.Run("refused", func(t *testing.T) {
		r, s := newRig(t), newTokens(t)
		s.oneScope = true
		s.guard(r)
		c, _ := newClient(t, Options{})
		resolveAll(t, r, c)
		if asked := s.requests(); len(asked) != 5 { // one try for all, then each
			t.Errorf("tokens: %v", asked)
		}
	})
	t.Run("granted in part", func(t *testing.T) {
		for _, opaque := range []bool{false, true} {
			r, s := newRig(t), newTokens(t)
			s.opaque = opaque
			s.guard(r)
			c, _ := newClient(t, Options{})
			repository(t, c, r.host()+"/private/z") // named, and not for us
			resolveAll(t, r, c)
			if asked := s.requests(); len(asked) != 1 || len(asked[0].scopes) != 5 {
				t.Errorf("tokens: %v", asked)
			}
			_, err := repository(t, c, r.host()+"/private/z").Resolve(ctx, "1.0.0")
			if e := wantError[*AuthError](t, err); e.Kind != AuthMissing {
				t.Errorf("error: %#v", e)
			}
		}
	})
	t.Run("another user's", func(t *testing.T) {
		r, s := newRig(t), newTokens(t)
		s.guard(r)
		// Podman's path entries: db/ is read as u, the rest anonymously.
		file := dockerConfig(t, map[string]string{r.host() + "/db": "u:s3cret"})
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
	r, s := newRig(t), newTokens(t)
	s.lifetime = 300
	r.manifest(t, "public/x", "one", "1.0.0")
	s.guard(r)
	c, k := newClient(t, Options{})
	repo := repository(t, c, r.host()+"/public/x")
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
		"/token":                    false,
		"http://127.0.0.1:1/token":  true,
		"https://127.0.0.1:1/token": true,
	} {
		r := newRig(t)
		r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`",service="x"`)
			return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		})
		c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: dockerConfig(t, map[string]string{r.host(): "u:s3cret"})}})
		_, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0")
		var cut *UnreachableError
		if errors.As(err, &cut) != ok {
			t.Errorf("%s: %v", realm, err)
		}
		if !ok {
			wantError[*ProtocolError](t, err)
			if c.Stats().Requests[KindToken] != 0 {
				t.Errorf("%s was asked", realm)
			}
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
		r := newRig(t)
		r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm.URL+`"`)
			return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		})
		file := filepath.Join(t.TempDir(), "config.json")
		write(t, file, []byte(strings.ReplaceAll(config, "HOST", r.host())))
		c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
		_, err := repository(t, c, r.host()+"/db/x").Resolve(context.Background(), "1.0.0")
		wantError[*ProtocolError](t, err)
		if asked {
			t.Error("the redirect was followed")
		}
	}
}

// An upload's location on another host gets the blob, but no credentials.
func TestUploadElsewhere(t *testing.T) {
	var got *http.Request
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		got = req.Clone(context.Background())
		w.WriteHeader(http.StatusCreated)
	}))
	defer other.Close()
	r := newRig(t)
	r.setFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if _, _, ok := req.BasicAuth(); !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		}
		if req.Method == http.MethodPost {
			w.Header().Set("Location", other.URL+"/upload?_state=abc")
			w.WriteHeader(http.StatusAccepted)
			return true
		}
		return false
	})
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: dockerConfig(t, map[string]string{r.host(): "u:s3cret"})}})
	data := content(100)
	desc := newRig(t).blob(t, "db/x", data)
	if err := repository(t, c, r.host()+"/db/x").PushBlob(context.Background(), desc, opener(data)); err != nil {
		t.Fatal(err)
	}
	if got == nil || got.Header.Get("Authorization") != "" || got.URL.Query().Get("_state") != "abc" || got.URL.Query().Get("digest") != desc.Digest.String() {
		t.Errorf("the other host got %v", got)
	}
}

func TestChallenges(t *testing.T) {
	for header, want := range map[string]string{
		`Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push c"`: `[{bearer https://auth.docker.io/token registry.docker.io [repository:a/b:pull,push c] }]`,
		`Basic realm="a \"b\" c", charset="UTF-8"`:                           `[{basic a "b" c  [] }]`,
		`Negotiate, Basic realm=x`:                                           `[{negotiate   [] } {basic x  [] }]`,
		`Negotiate YIIabc==, Bearer realm=https://h/t,error="invalid_token"`: `[{negotiate   [] } {bearer https://h/t  [] invalid_token}]`,
		`bearer  Realm = "r" ,  SERVICE=s`:                                   `[{bearer r s [] }]`,
		``:                                                                   `[]`,
		`realm="x"`:                                                          `[]`,
		`Bearer realm="unclosed`:                                             `[{bearer   [] }]`,
	} {
		if got := fmt.Sprint(parseChallenges(header)); got != want {
			t.Errorf("%s\n got %s\nwant %s", header, got, want)
		}
	}
	both := http.Header{"Www-Authenticate": {`Basic realm="b"`, `Bearer realm="t"`}}
	if ch := readChallenge(both); ch.scheme != "bearer" || ch.realm != "t" {
		t.Errorf("of two: %+v", ch)
	}
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Bearer realm="https://auth.docker.io/token",service="registry.docker.io"`)
	f.Add(`Negotiate YIIabc==, Basic realm="a \"b\" c", charset="UTF-8"`)
	f.Fuzz(func(t *testing.T, header string) {
		for _, ch := range parseChallenges(header) {
			if ch.scheme == "" || ch.scheme != strings.ToLower(ch.scheme) {
				t.Errorf("scheme %q", ch.scheme)
			}
			if len(ch.realm)+len(ch.service) > len(header) {
				t.Errorf("%+v is more than %q", ch, header)
			}
		}
	})
}

func TestCredentialFiles(t *testing.T) {
	dir := t.TempDir()
	auth := filepath.Join(dir, "auth.json")
	docker := filepath.Join(dir, "config.json")
	runtime := filepath.Join(dir, "runtime.json")
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	write(t, auth, []byte(`{"auths":{"first.example":{"auth":"`+b64("a:1")+`"},"quay.example/team":{"auth":"`+b64("team:1")+`"},"quay.example/team/db":{"auth":"`+b64("db:1")+`"}}}`))
	write(t, docker, []byte(`{"credHelpers":{"helped.example":"test-registry"},"auths":{"first.example":{"auth":"`+b64("docker:2")+`"},
		"https://index.docker.io/v1/":{"auth":"`+b64("hub:2")+`"},"https://old.example/v1/":{"username":"old","password":"2"},"quay.example":{"auth":"`+b64("quay:2:3")+`"},
		"empty.example":{}, "idp.example":{"identitytoken":"id"}, "port.example:5000":{"auth":"`+b64("port:2")+`"}}}`))
	write(t, runtime, []byte(`{"auths":{"first.example":{"auth":"`+b64("c:3")+`"},"last.example":{"auth":"`+b64("last:3")+`"},"empty.example":{"auth":"`+b64("full:3")+`"}}}`))
	bin := t.TempDir()
	write(t, filepath.Join(bin, "docker-credential-test-registry"), []byte("#!/bin/sh\nread server\nif [ \"$server\" = helped.example ]; then echo '{\"ServerURL\":\"helped.example\",\"Username\":\"<token>\",\"Secret\":\"from-helper\"}'; else echo 'credentials not found in native keychain'; exit 1; fi\n"))
	if err := os.Chmod(filepath.Join(bin, "docker-credential-test-registry"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	k := &keyring{paths: CredentialPaths{AuthFile: auth, DockerConfig: docker, RuntimeAuthFile: runtime}}
	for name, want := range map[string]string{
		"first.example/x":                "a/1//",
		"quay.example/team/db/postgres":  "db/1//",
		"quay.example/team/mysql":        "team/1//",
		"quay.example/teamwork/x":        "quay/2:3//",
		"docker.io/schemahero/x":         "hub/2//",
		"registry-1.docker.io/x":         "hub/2//",
		"old.example/x":                  "old/2//",
		"last.example/x":                 "last/3//",
		"empty.example/x":                "full/3//",
		"idp.example/x":                  "//id/",
		"helped.example/x":               "//from-helper/",
		"port.example:5000/x":            "port/2//",
		"port.example/x":                 "///",
		"unknown.example/x":              "///",
		"first.example.evil.example/x":   "///",
		"quay.example.evil.example/team": "///",
	} {
		host, repo, _ := strings.Cut(name, "/")
		got, err := k.lookup(context.Background(), host, repo)
		if text := got.username + "/" + got.password + "/" + got.identity + "/" + got.token; err != nil || text != want {
			t.Errorf("%s: %s %v, want %s", name, text, err, want)
		}
	}
}

func TestBadCredentialFiles(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":        `{"auths": s3cret`,
		"no base64":      `{"auths":{"h.example":{"auth":"s3cret!"}}}`,
		"no colon":       `{"auths":{"h.example":{"auth":"czNjcmV0"}}}`,
		"of wrong types": `{"auths":["s3cret"]}`,
	} {
		file := filepath.Join(t.TempDir(), "config.json")
		write(t, file, []byte(text))
		k := &keyring{paths: CredentialPaths{DockerConfig: file}}
		_, err := k.lookup(context.Background(), "h.example", "x")
		if e := wantError[*CredentialsError](t, err); e.File != file || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	k := &keyring{paths: CredentialPaths{DockerConfig: filepath.Join(t.TempDir(), "none")}}
	if c, err := k.lookup(context.Background(), "h.example", "x"); err != nil || !c.empty() {
		t.Errorf("no file: %v %v", c, err)
	}
}

// A helper that is not there stands in the way of nothing public, and is named
// where the registry then refuses.
func TestHelperFails(t *testing.T) {
	r, s := newRig(t), newTokens(t)
	r.manifest(t, "public/x", "one", "1.0.0")
	s.guard(r)
	file := filepath.Join(t.TempDir(), "config.json")
	write(t, file, []byte(`{"credsStore":"nowhere-to-be-found"}`))
	var told events
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}, Events: told.add})
	if _, err := repository(t, c, r.host()+"/public/x").Resolve(context.Background(), "1.0.0"); err != nil {
		t.Error(err)
	}
	if len(told.of(EventWarning)) == 0 {
		t.Error("nobody was told")
	}
	_, err := repository(t, c, r.host()+"/private/x").Resolve(context.Background(), "1.0.0")
	if e := wantError[*AuthError](t, err); e.Kind != AuthMissing || !strings.Contains(err.Error(), "docker-credential-nowhere-to-be-found") {
		t.Errorf("error: %v", err)
	}
}
