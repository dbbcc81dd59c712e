package auth

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
)

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

// Whatever a credentials file holds, what is found in it is stored under a key
// of that host, and no error quotes a secret.
func FuzzCredentials(f *testing.F) {
	const repo = "team/private/x"
	for _, s := range []string{
		`{"auths":{"registry.internal":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("me:secret")) + `"}}}`,
		`{"auths":{"registry.internal/team":{"username":"me","password":"secret"},"https://registry.internal/v1/":{"identitytoken":"secret"}}}`,
		`{"auths":{"registry.internal":{"auth":"secret"}},"credHelpers":{"registry.internal":"x"},"credsStore":"y"}`,
		" \n", "null", `{"auths":[]}`,
	} {
		f.Add([]byte(s), "registry.internal")
	}
	f.Fuzz(func(t *testing.T, data []byte, host string) {
		file, err := parseCredentials("auth.json", data)
		if err != nil {
			if got := err.Error(); got != "auth.json: is not valid JSON of credentials" {
				t.Errorf("an error that says more: %s", got)
			}
			return
		}
		for _, h := range file.helpersFor(host) {
			if !strings.HasPrefix(h.program, "docker-credential-") || !slices.Contains(hostKeys(host), h.server) {
				t.Errorf("%+v is asked for %q", h, host)
			}
		}
		file.Store, file.Helpers = "", nil // they would be run
		c, err := new(Keyring).from(t.Context(), file, host, repo)
		if err != nil && strings.Contains(err.Error(), "secret") && !strings.Contains(host, "secret") {
			t.Errorf("a secret in: %v", err)
		}
		if c.empty() || err != nil {
			return
		}
		if key := c.key; !slices.Contains(slices.Concat(scopedKeys(host, repo), hostKeys(host)), key) && wire.OneName(legacyHost(key)) != wire.OneName(host) {
			t.Errorf("%q is asked for, and the key of %q is used", host, key)
		}
	})
}

// What a token says of itself is read as scopes or not at all.
func FuzzGranted(f *testing.F) {
	f.Add("h." + base64.RawURLEncoding.EncodeToString([]byte(`{"access":[{"type":"repository","name":"a/b","actions":["pull"]}]}`)) + ".s")
	f.Fuzz(func(t *testing.T, token string) {
		for _, scope := range granted(token) {
			if !strings.Contains(scope, ":") {
				t.Errorf("%q is granted", scope)
			}
		}
	})
}
