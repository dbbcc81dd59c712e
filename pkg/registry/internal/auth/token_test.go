package auth

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

// How long a token lives is written in several ways, and behind a byte order mark
// too.
func TestTokenLifetime(t *testing.T) {
	for said, want := range map[string]time.Duration{
		"300": 295 * time.Second, `"300"`: 295 * time.Second, "300.0": 295 * time.Second, "3e2": 295 * time.Second, "6": 3 * time.Second,
		"null": tokenLifetime, `""`: tokenLifetime, "-1": tokenLifetime, `"soon"`: tokenLifetime, "{}": tokenLifetime, "true": tokenLifetime,
		"99999999999999999999": 24*time.Hour - tokenMargin, `"1e400"`: tokenLifetime,
	} {
		realm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			io.WriteString(w, "\ufeff"+`{"token":"t","expires_in":`+said+`}`)
		}))
		defer realm.Close()
		now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		c := wire.New(wire.Options{Now: func() time.Time { return now }})
		tr, err := NewSession(c, "127.0.0.1:1", nil).fetchToken(context.Background(), &wire.Request{Endpoint: &wire.Endpoint{Name: "127.0.0.1:1"}}, credential{}, need{over: "http", challenge: challenge{realm: realm.URL}}, nil)
		if err != nil || tr.expires.Sub(now) != want {
			t.Errorf("%s: %+v %v", said, tr, err)
		}
	}
}
