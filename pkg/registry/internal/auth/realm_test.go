package auth

import (
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

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
		// A realm without a host is on the registry's own.
		{"https", "harbor.lan", "/token?x=y", secret, "https://harbor.lan/token?x=y"},
		{"http", "harbor.lan:8080", "/token", secret, "http://harbor.lan:8080/token"},
		{"https", "harbor.lan", "//auth.lan/token", secret, "https://auth.lan/token"},
		{"https", "harbor.lan", "harbor", secret, ""},
		{"https", "harbor.lan", "ftp://harbor.lan/token", anonymous, ""},
	} {
		c := wire.New(wire.Options{Hosts: map[string]wire.Host{"plain.lan": {PlainHTTP: &yes}}})
		got, err := NewSession(c, tc.registry, nil).realm(tc.cred, need{over: tc.over, challenge: challenge{realm: tc.realm}})
		if tc.want == "" && err == nil || tc.want != "" && (err != nil || got.String() != tc.want) {
			t.Errorf("%s over %s names %s: %v %v, want %q", tc.registry, tc.over, tc.realm, got, err, tc.want)
		}
	}
}
