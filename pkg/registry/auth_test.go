package registry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func TestBasic(t *testing.T) {
	r := registrytest.New(t)
	r.Manifest(t, "db/x", "one", "1.0.0")
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
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
			auths[r.Host()] = userPassword
		}
		c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: dockerConfig(t, auths)}})
		return c
	}
	c := client("u:s3cret")
	for range 2 {
		if _, err := repository(t, c, r.Host()+"/db/x").Resolve(ctx, "1.0.0"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(r.Seen()); n != 3 {
		t.Errorf("%d requests, want one refusal and two answers", n)
	}
	_, err := repository(t, c, r.Host()+"/secret/x").Resolve(ctx, "1.0.0")
	if e := wantError[*AuthError](t, err); e.Cause != AuthInsufficient || e.Username != "u" || errors.Is(err, artifact.ErrDenied) {
		t.Errorf("insufficient: %#v", e)
	}
	before := len(r.Seen())
	_, err = repository(t, client(""), r.Host()+"/db/x").Resolve(ctx, "1.0.0")
	if e := wantError[*AuthError](t, err); e.Cause != AuthMissing || e.Username != "" || !errors.Is(err, artifact.ErrDenied) {
		t.Errorf("missing: %#v", e)
	}
	if n := len(r.Seen()) - before; n != 1 {
		t.Errorf("%d requests without credentials, want 1", n)
	}
	before = len(r.Seen())
	_, err = repository(t, client("u:wr0ng"), r.Host()+"/db/x").Resolve(ctx, "1.0.0")
	if e := wantError[*AuthError](t, err); e.Cause != AuthWrong || strings.Contains(e.Error(), "wr0ng") {
		t.Errorf("wrong: %#v", e)
	}
	if n := len(r.Seen()) - before; n != 2 {
		t.Errorf("%d requests with wrong credentials, want 2", n)
	}
}

func TestBearer(t *testing.T) {
	for name, config := range map[string]string{
		"password": "", "identity": `{"auths":{"HOST":{"identitytoken":"id3ntity"}}}`,
		"anonymous": `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			r, s := registrytest.New(t), newTokens(t)
			r.Manifest(t, "public/x", "one", "1.0.0")
			r.SetFault(s.guard)
			file := dockerConfig(t, map[string]string{r.Host(): "u:s3cret"})
			if config != "" {
				write(t, file, []byte(strings.ReplaceAll(config, "HOST", r.Host())))
			}
			c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
			repo := repository(t, c, r.Host()+"/public/x")
			for range 3 {
				if _, err := repo.Resolve(context.Background(), "1.0.0"); err != nil {
					t.Fatal(err)
				}
			}
			if len(r.Seen()) != 4 || len(s.requests()) != 1 {
				t.Errorf("requests: %v, tokens: %v", r.Seen(), s.requests())
			}
			if got := c.Stats().Requests[wire.KindToken]; got != 1 {
				t.Errorf("%d token requests counted", got)
			}
		})
	}
}

func TestBearerKinds(t *testing.T) {
	for _, opaque := range []bool{false, true} {
		for _, tc := range []struct {
			repo, login string
			kind        wire.AuthKind
			requests    int // of the registry
			tokens      int
		}{
			{"private/x", "", AuthMissing, 2, 1},
			{"private/x", "u:wr0ng", AuthWrong, 1, 1},
			{"secret/x", "u:s3cret", AuthInsufficient, 4, 2}, // with a HEAD, then with a GET
		} {
			r, s := registrytest.New(t), newTokens(t)
			s.opaque = opaque
			r.SetFault(s.guard)
			auths := map[string]string{}
			if tc.login != "" {
				auths[r.Host()] = tc.login
			}
			c, k := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: dockerConfig(t, auths)}})
			_, err := repository(t, c, r.Host()+"/"+tc.repo).Resolve(context.Background(), "1.0.0")
			if e := wantError[*AuthError](t, err); e.Cause != tc.kind || e.Repository != r.Host()+"/"+tc.repo {
				t.Errorf("%+v: %#v", tc, e)
			}
			if len(r.Seen()) != tc.requests || len(s.requests()) != tc.tokens || len(k.slept) != 0 {
				t.Errorf("%+v: requests %v, tokens %v", tc, r.Seen(), s.requests())
			}
			if strings.Contains(err.Error(), "wr0ng") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("secret in %v", err)
			}
		}
	}
}

// A refusal that asks for nothing that could be sent is no matter of what is
// stored.
func TestUnaskedKinds(t *testing.T) {
	for _, tc := range []struct {
		status    int
		challenge string
		kind      wire.AuthKind
		text      string
	}{
		{401, "", AuthUnsupported, "does not say which credentials"},
		{401, `Digest realm="x", nonce="y"`, AuthUnsupported, "not supported (Digest)"},
		{401, `Bearer service="x"`, AuthUnsupported, "not supported (Bearer without a realm)"},
		{403, "", AuthDenied, "denied: "},
		{403, `Basic realm="x"`, AuthWrong, "does not accept"},
	} {
		for _, stored := range []string{"", "u:wr0ng"} {
			r := registrytest.New(t)
			r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
				if tc.challenge != "" {
					w.Header().Set("WWW-Authenticate", tc.challenge)
				}
				status := tc.status
				if req.Header.Get("Authorization") != "" {
					status = 401
				}
				return refuse(w, status, "DENIED")
			})
			auths := map[string]string{}
			if stored != "" {
				auths[r.Host()] = stored
			}
			c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: dockerConfig(t, auths)}})
			_, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0")
			kind, text := tc.kind, tc.text
			if kind == AuthWrong && stored == "" {
				kind, text = AuthMissing, "none are stored"
			}
			if e := wantError[*AuthError](t, err); e.Cause != kind || !strings.Contains(err.Error(), text) || errors.Is(err, artifact.ErrDenied) != (kind != AuthWrong) {
				t.Errorf("%d %s with %q: %#v", tc.status, tc.challenge, stored, e)
			}
		}
	}
}

// A registry that says 401 and nothing more is shown what is stored for it.
func TestBareRefusal(t *testing.T) {
	r := registrytest.New(t)
	desc, _ := r.Manifest(t, "db/x", "one", "1.0.0")
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		_, password, _ := req.BasicAuth()
		return password != "s3cret" && refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
	})
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: dockerConfig(t, map[string]string{r.Host(): "u:s3cret"})}})
	repo := repository(t, c, r.Host()+"/db/x")
	for range 2 {
		if got, err := repo.Resolve(context.Background(), "1.0.0"); err != nil || got.Digest != desc.Digest {
			t.Errorf("%+v %v", got, err)
		}
	}
	if n := len(r.Seen()); n != 4 {
		t.Errorf("%d requests: %v", n, r.Seen())
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
	r := registrytest.New(t)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
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
	c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: dockerConfig(t, map[string]string{r.Host(): "u:s3cret"})}})
	data := content(100)
	desc := registrytest.New(t).Blob(t, "db/x", data)
	if err := repository(t, c, r.Host()+"/db/x").PushBlob(context.Background(), desc, opener(data)); err != nil {
		t.Fatal(err)
	}
	if got == nil || got.Header.Get("Authorization") != "" || got.URL.Query().Get("_state") != "abc" || got.URL.Query().Get("digest") != desc.Digest.String() {
		t.Errorf("the other host got %v", got)
	}
}
