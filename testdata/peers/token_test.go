package peers

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// tokenServer hands a token for pulling to everybody who asks, as Docker Hub
// does. The registry believes what it signs.
type tokenServer struct {
	t      *testing.T
	server *httptest.Server
	signer *authority
	tokens atomic.Int64 // handed out
}

func newTokenServer(t *testing.T) *tokenServer {
	t.Helper()
	s := &tokenServer{t: t, signer: newAuthority(t)}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

// ServeHTTP answers GET ?service=…&scope=repository:NAME:pull, with as many
// scopes as there are. Source: distribution's docs/spec/auth/token.md.
func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	type access struct {
		Type    string   `json:"type"`
		Name    string   `json:"name"`
		Actions []string `json:"actions"`
	}
	granted := []access{}
	for _, scopes := range r.URL.Query()["scope"] {
		for _, scope := range strings.Fields(scopes) {
			if parts := strings.Split(scope, ":"); len(parts) == 3 && parts[0] == "repository" {
				granted = append(granted, access{"repository", parts[1], []string{"pull"}})
			}
		}
	}
	now := time.Now()
	token, err := s.sign(map[string]any{
		"iss": "peers", "sub": "", "aud": "peers", "jti": rand.Text(),
		"nbf": now.Add(-time.Minute).Unix(), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"access": granted,
	})
	if err == nil {
		s.tokens.Add(1)
		w.Header().Set("Content-Type", "application/json")
		err = json.NewEncoder(w).Encode(map[string]string{"token": token})
	}
	if err != nil {
		s.t.Error("token: ", err)
	}
}

// sign makes a JSON web token that carries its certificate.
func (s *tokenServer) sign(claims map[string]any) (string, error) {
	header, err := json.Marshal(map[string]any{
		"typ": "JWT", "alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(s.signer.der)},
	})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	a, b, err := ecdsa.Sign(rand.Reader, s.signer.key, sum[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	a.FillBytes(signature[:32])
	b.FillBytes(signature[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
