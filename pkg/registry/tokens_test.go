package registry

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
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

// guard is the fault of a registry that asks for tokens.
func (s *tokens) guard(_ int, w http.ResponseWriter, req *http.Request) bool {
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
}
