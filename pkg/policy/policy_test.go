package policy

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

func TestDecide(t *testing.T) {
	p := Policy{Rules: []Rule{
		{Scope: "docker.io", Unsigned: true},
		{Scope: "docker.io/schemahero", Keys: []string{"k"}},
		{Scope: "docker.io/schemahero/plugin-mysql", Unsigned: true},
		{Scope: "registry.internal:5000/db", Unsigned: true},
		{Scope: "oci-layout:vendor/plugins", Unsigned: true},
		{Scope: "Quay.IO/acme", Unsigned: true},
	}}
	for repository, want := range map[string]string{
		"docker.io/schemahero/plugin-postgres":            "docker.io/schemahero",
		"docker.io/schemahero/plugin-mysql":               "docker.io/schemahero/plugin-mysql",
		"docker.io/schemahero/plugin-mysql2":              "docker.io/schemahero",
		"docker.io/schemahero":                            "docker.io/schemahero",
		"docker.io/schemahero2/x":                         "docker.io",
		"docker.io.evil/schemahero":                       "",
		"registry.internal:5000/db/ora":                   "registry.internal:5000/db",
		"registry.internal:5000/dbx":                      "",
		"registry.internal/db/ora":                        "",
		"oci-layout:vendor/plugins/postgres":              "oci-layout:vendor/plugins",
		"oci-layout:Vendor/plugins/postgres":              "",
		"quay.io/acme/postgres":                           "Quay.IO/acme",
		"QUAY.io/acme":                                    "Quay.IO/acme",
		"quay.io/Acme/postgres":                           "",
		"DOCKER.io/schemahero/plugin-mysql":               "docker.io/schemahero/plugin-mysql",
		"docker.io:443/schemahero/x":                      "docker.io/schemahero",
		"index.docker.io/schemahero/x":                    "docker.io/schemahero",
		"registry-1.docker.io/schemahero/x":               "docker.io/schemahero",
		"registry.hub.docker.com/schemahero/plugin-mysql": "docker.io/schemahero/plugin-mysql",
		"": "",
	} {
		rule, governed := p.Decide(repository)
		if !governed || (rule == nil) != (want == "") || rule != nil && rule.Scope != want {
			t.Errorf("%s: %+v, %v", repository, rule, governed)
		}
	}
	if rule, governed := new(Policy).Decide("docker.io/x"); rule != nil || governed {
		t.Errorf("no rules: %+v, %v", rule, governed)
	}
}

func TestKeylessMatches(t *testing.T) {
	exact := Keyless{Issuer: "https://a.io", Identity: "https://git.io/x@refs/heads/main"}
	re := Keyless{Issuer: "https://a.io", IdentityRegexp: "https://git\\.io/x|me"}
	for _, c := range []struct {
		k                Keyless
		issuer, identity string
		want             bool
	}{
		{exact, "https://a.io", "https://git.io/x@refs/heads/main", true},
		{exact, "https://b.io", "https://git.io/x@refs/heads/main", false},
		{exact, "https://a.io", "https://git.io/x@refs/heads/main2", false},
		{exact, "https://a.io", "", false},
		{re, "https://a.io", "https://git.io/x", true},
		{re, "https://a.io", "me", true},
		{re, "https://b.io", "me", false},
		{re, "https://a.io", "https://git.io/x.evil", false},
		{re, "https://a.io", "notme", false},
		{re, "https://a.io", "me\n", false},
		{re, "https://a.io", "https://gitxio/x", false},
		{Keyless{Issuer: "i", IdentityRegexp: "a)|(b"}, "i", "a", false},
	} {
		if got := c.k.Matches(c.issuer, c.identity); got != c.want {
			t.Errorf("%+v: %s %s: %v", c.k, c.issuer, c.identity, got)
		}
	}
}

func TestAdmits(t *testing.T) {
	keyless := Rule{Keyless: &Keyless{Issuer: "i", Identity: "me"}}
	keys := Rule{Keys: []string{"k"}, Fingerprints: []string{"sha256:aa", "sha256:bb"}}
	for _, c := range []struct {
		r                     Rule
		issuer, identity, key string
		want                  bool
	}{
		{keyless, "i", "me", "", true},
		{keyless, "i", "you", "", false},
		{keyless, "", "", "", false},
		{keyless, "", "", "sha256:aa", false},
		{keyless, "i", "me", "sha256:aa", false},
		{keys, "", "", "sha256:bb", true},
		{keys, "", "", "sha256:cc", false},
		{keys, "i", "me", "", false},
		{Rule{Unsigned: true}, "", "", "", true},
	} {
		if got := c.r.Admits(c.issuer, c.identity, c.key); got != c.want {
			t.Errorf("%+v: %q %q %q: %v", c.r, c.issuer, c.identity, c.key, got)
		}
	}
}

func TestDecode(t *testing.T) {
	dir := t.TempDir()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	key := []byte("\xff\xfe") // UTF-16, as PowerShell writes it
	for _, c := range pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}) {
		key = append(key, c, 0)
	}
	for name, data := range map[string][]byte{"keys/a.pub": key, "root.json": []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","certificateAuthorities":[{}]}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doc := diag.ParseTOML(filepath.Join(dir, "m.toml"), []byte(`
[[trust]]
scope = "docker.io/acme"
keys = ["keys/a.pub"]

[[trust]]
scope = "ghcr.io"
keyless = { issuer = "https://a.io", identity = "me", trusted-root = "root.json" }
`))
	p := Decode(doc.Root.Get("trust"))
	if err := doc.Err(); err != nil {
		t.Fatal(err)
	}
	if p.File != doc.File || len(p.Rules) != 2 {
		t.Fatalf("%+v", p)
	}
	sum := sha256.Sum256(der)
	if r := p.Rules[0]; r.Keys[0] != filepath.Join(dir, "keys", "a.pub") || r.Fingerprints[0] != "sha256:"+hex.EncodeToString(sum[:]) ||
		r.Pos.Line != 3 || r.Pos.Column != 9 {
		t.Errorf("%+v", r)
	}
	if k := p.Rules[1].Keyless; *k != (Keyless{"https://a.io", "me", "", filepath.Join(dir, "root.json"), ""}) {
		t.Errorf("%+v", k)
	}
	if p := Decode(nil); p.Rules != nil {
		t.Errorf("nothing: %+v", p)
	}
}

func TestCheckReference(t *testing.T) {
	for _, s := range []string{
		"docker.io", "localhost", "localhost/x", "localhost:5000", "host:5000/a/b", "127.0.0.1:5000/a", "[::1]:5000/a", "[fe80::1]/a",
		"ghcr.io/acme/schemahero-oracle", "ghcr.io/a/b_c/d__e/f--g/h.i", "Ghcr.IO/acme", "xn--bcher-kva.example/a",
		"AZ.az.09/az09", "host:65535", "[::]:5000/a", "docker.io/" + strings.Repeat("a", 245),
	} {
		if err := CheckReference(s); err != nil {
			t.Errorf("%v", err)
		}
	}
	for _, s := range []string{
		"", "acme", "acme/x", "/x", "docker.io/", "docker.io//x", "docker.io/x/", "https://docker.io/x", "docker.io/x:1", "docker.io/x@sha256:aa",
		"docker.io/X", "docker.io/x y", " docker.io/x", "docker.io/x\n", "docker.io/.x", "docker.io/x.", "docker.io/-x", "docker.io/x_",
		"docker.io/é", "docker.io:/x", "docker.io:http/x", "docker.io:123456/x", "-a.io/x", "a-.io/x", "a..io/x", ".io/x", "u@docker.io/x", "[::1/x", "[]:5000/x",
		"[::1]x/y", "[zz]:5000", "docker.io/*", "docker.io/../x", "docker.io/x?y", "docker.io/x#y", "docker.io/x%2e", `docker.io\x`,
		"docker.io/" + strings.Repeat("a", 246),
	} {
		var e *ReferenceError
		if err := CheckReference(s); !errors.As(err, &e) || e.Reason == "" {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestCheckScope(t *testing.T) {
	for s, ok := range map[string]bool{
		"docker.io": true, "docker.io/acme": true, "oci-layout:vendor/plugins": true, "oci-layout:vendor": true,
		"*": false, "docker.io/*": false, "docker.io/acme/**": false, "oci-layout:": false, "oci-layout:vendor/": false, "oci-layout:*": false, "acme": false, "": false,
	} {
		if err := CheckScope(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}
