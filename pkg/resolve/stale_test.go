package resolve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// locked returns a lock with one entry for each change of a good one.
func locked(t *testing.T, changes ...func(p *lockfile.Plugin)) *lockfile.Lock {
	t.Helper()
	l := &lockfile.Lock{}
	for _, change := range changes {
		p := lockfile.Plugin{
			Name: "postgres", Version: "0.1.2", Repository: official + "/postgres", Tag: "0.1.2",
			Digest: "sha256:" + "1111111111111111111111111111111111111111111111111111111111111111",
		}
		for _, arch := range []string{"amd64", "arm64"} {
			p.Platforms = append(p.Platforms, lockfile.Platform{
				Platform: artifact.Platform{OS: "linux", Arch: arch}, Manifest: p.Digest, Layer: p.Digest, Size: 1, File: "x.tar.gz",
			})
		}
		change(&p)
		l.Plugins = append(l.Plugins, p)
	}
	l.Sort()
	if _, err := lockfile.Parse("lock", l.Encode()); err != nil {
		t.Fatal(err)
	}
	return l
}

func named(name, version string, requires map[string]string) func(p *lockfile.Plugin) {
	return func(p *lockfile.Plugin) {
		p.Name, p.Version, p.Tag, p.Repository, p.Requires = name, version, version, official+"/"+name, requires
	}
}

func TestStale(t *testing.T) {
	good := func(*lockfile.Plugin) {}
	tags := func(p *lockfile.Plugin) {
		p.Tag, p.Digest = "", ""
		for i := range p.Platforms {
			p.Platforms[i].Tag = "0.1.2-" + p.Platforms[i].Platform.Suffix()
		}
	}
	floating := func(p *lockfile.Plugin) { p.Tag = "nightly" }
	byDigest := func(p *lockfile.Plugin) { p.Tag = "" }
	one := "1111111111111111111111111111111111111111111111111111111111111111"
	for name, c := range map[string]struct {
		manifest string
		lock     *lockfile.Lock
		override string
		want     []string
	}{
		"no lock":           {manifest: `postgres = "^0.1"`, want: []string{"there is no lock"}},
		"good":              {manifest: `postgres = "^0.1"`, lock: locked(t, good)},
		"tags layout":       {manifest: `postgres = "^0.1"`, lock: locked(t, tags)},
		"admits more":       {manifest: `postgres = "*"`, lock: locked(t, good)},
		"tag with v":        {manifest: `postgres = "^0.1"`, lock: locked(t, func(p *lockfile.Plugin) { p.Tag = "v0.1.2" })},
		"fewer platforms":   {manifest: `#platforms = ["linux/amd64"]` + "\n" + `postgres = "^0.1"`, lock: locked(t, good)},
		"minimum-age":       {manifest: `#minimum-age = "9999h"` + "\n" + `postgres = "^0.1"`, lock: locked(t, good)},
		"prerelease":        {manifest: `postgres = { version = "^0.2", prerelease = true }`, lock: locked(t, named("postgres", "0.2.1-rc.1", nil))},
		"tag":               {manifest: `postgres = { tag = "nightly" }`, lock: locked(t, floating)},
		"digest":            {manifest: `postgres = { digest = "sha256:` + one + `" }`, lock: locked(t, byDigest)},
		"host met":          {manifest: `#schemahero = "0.25"` + "\n" + `postgres = "^0.1"`, lock: locked(t, named("postgres", "0.1.2", map[string]string{"schemahero": ">=0.25"}))},
		"host not declared": {manifest: `postgres = "^0.1"`, lock: locked(t, named("postgres", "0.1.2", map[string]string{"schemahero": ">=0.25"}))},
		"required":          {manifest: `timescaledb = "*"`, lock: locked(t, good, named("timescaledb", "1.0.0", map[string]string{"postgres": "^0.1"}))},
		"cycle":             {manifest: `a = "*"`, lock: locked(t, named("a", "1.0.0", map[string]string{"b": "^1"}), named("b", "1.0.0", map[string]string{"a": "^1"}))},

		"missing":           {manifest: `postgres = "^0.1"` + "\n" + `mysql = "^1"`, lock: locked(t, good), want: []string{"mysql: is not locked, and schemahero-plugins.toml:4 asks for it"}},
		"neither":           {manifest: ``, lock: locked(t, good), want: []string{"postgres: is locked, and neither listed nor required by a driver that is"}},
		"cycle of its own":  {manifest: `postgres = "^0.1"`, lock: locked(t, good, named("a", "1.0.0", map[string]string{"a": "^1"})), want: []string{"a: is locked, and neither listed nor required by a driver that is"}},
		"version":           {manifest: `postgres = "^0.2"`, lock: locked(t, good), want: []string{"postgres: 0.1.2 is locked, which ^0.2 (schemahero-plugins.toml:3) does not admit"}},
		"prerelease locked": {manifest: `postgres = "^0.2"`, lock: locked(t, named("postgres", "0.2.1-rc.1", nil)), want: []string{"postgres: 0.2.1-rc.1 is locked, which ^0.2 (schemahero-plugins.toml:3) does not admit"}},
		"other tag":         {manifest: `postgres = { tag = "weekly" }`, lock: locked(t, floating), want: []string{"postgres: tag nightly is locked, and schemahero-plugins.toml:3 asks for tag weekly"}},
		"version to tag":    {manifest: `postgres = { tag = "nightly" }`, lock: locked(t, good), want: []string{"postgres: 0.1.2 is locked, and schemahero-plugins.toml:3 asks for tag nightly"}},
		"tag to version":    {manifest: `postgres = "^0.1"`, lock: locked(t, floating), want: []string{"postgres: tag nightly is locked, and schemahero-plugins.toml:3 asks for a version by its own tag"}},
		"digest to version": {manifest: `postgres = "^0.1"`, lock: locked(t, byDigest), want: []string{"postgres: digest sha256:111111111111 is locked, and schemahero-plugins.toml:3 asks for a version by its own tag"}},
		"other digest":      {manifest: `postgres = { digest = "sha256:2` + one[1:] + `" }`, lock: locked(t, byDigest), want: []string{"postgres: digest sha256:111111111111 is locked, and schemahero-plugins.toml:3 asks for digest sha256:211111111111"}},
		"alias gone":        {manifest: `postgres = "^0.1"`, lock: locked(t, func(p *lockfile.Plugin) { p.Aliases = []string{"cockroachdb"} }), want: []string{"postgres: is locked with aliases cockroachdb, and schemahero-plugins.toml:3 has no aliases"}},
		"alias new":         {manifest: `postgres = { version = "^0.1", aliases = ["b", "a"] }`, lock: locked(t, good), want: []string{"postgres: is locked with no aliases, and schemahero-plugins.toml:3 has aliases a, b"}},
		"platform":          {manifest: `#platforms = ["linux/arm64", "darwin/arm64", "windows/amd64"]` + "\n" + `postgres = "^0.1"`, lock: locked(t, good), want: []string{"postgres: is locked without darwin/arm64, windows/amd64"}},
		"host":              {manifest: `#schemahero = "0.24"` + "\n" + `postgres = "^0.1"`, lock: locked(t, named("postgres", "0.1.2", map[string]string{"schemahero": ">=0.25"})), want: []string{"postgres: 0.1.2 requires schemahero >=0.25, and schemahero is 0.24.0 (schemahero-plugins.toml:1)"}},
		"requires":          {manifest: `timescaledb = "*"`, lock: locked(t, good, named("timescaledb", "1.0.0", map[string]string{"postgres": "^0.2"})), want: []string{"timescaledb: 1.0.0 requires postgres ^0.2, and 0.1.2 is locked"}},
		"requires missing":  {manifest: `timescaledb = "*"`, lock: locked(t, named("timescaledb", "1.0.0", map[string]string{"postgres": "^0.2"})), want: []string{"timescaledb: 1.0.0 requires postgres ^0.2, which is not locked"}},
		"repository":        {manifest: `postgres = { version = "^0.1", repository = "other.test/p" }`, lock: locked(t, good), want: []string{"postgres: is locked from registry.test/db/postgres, and the manifest says other.test/p"}},
		"override": {manifest: `#registry` + "\n" + `postgres = "^0.1"`, override: "other.test/sh", lock: locked(t, good),
			want: []string{"postgres: is locked from registry.test/db/postgres, and the manifest says other.test/sh-postgres"}},
		"no override": {manifest: `postgres = "^0.1"`, override: "other.test/sh", lock: locked(t, good)},
		"several": {manifest: `#platforms = ["darwin/arm64"]` + "\n" + `postgres = { version = "^0.2", aliases = ["a"] }`, lock: locked(t, good),
			want: []string{
				"postgres: 0.1.2 is locked, which ^0.2 (schemahero-plugins.toml:4) does not admit",
				"postgres: is locked without darwin/arm64",
				"postgres: is locked with no aliases, and schemahero-plugins.toml:4 has aliases a",
			}},
	} {
		t.Run(name, func(t *testing.T) {
			// What a case has behind a # belongs above [plugins].
			head, rest, ok := strings.Cut(c.manifest, "\n")
			text := "[plugins]\n" + c.manifest + "\n"
			if ok && strings.HasPrefix(head, "#registry") {
				text = "# registry: none\n[plugins]\n" + rest + "\n"
			} else if ok && strings.HasPrefix(head, "#") {
				text = head[1:] + "\nregistry = \"" + official + "\"\n[plugins]\n" + rest + "\n"
			}
			check(t, "differences", texts(Stale(parse(t, text), c.lock, c.override)), append([]string{}, c.want...))
		})
	}
}

// key is an Ed25519 public key (RFC 8410, section 10.3).
const key = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`

func TestStaleSignature(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.pub"), []byte(key), 0o644); err != nil {
		t.Fatal(err)
	}
	const (
		keyless  = "keyless = { issuer = \"https://issuer.test\", identity = \"https://id.test/me\" }"
		byKey    = "keys = [\"a.pub\"]"
		unsigned = "unsigned = true"
	)
	me := &lockfile.Signature{Issuer: "https://issuer.test", Identity: "https://id.test/me"}
	for name, c := range map[string]struct {
		scope, rule string
		signature   *lockfile.Signature
		want        string // a part of it; "" for none
	}{
		"not asked":        {},
		"unsigned":         {scope: "registry.test", rule: unsigned},
		"signed":           {scope: "registry.test", rule: keyless, signature: me},
		"no scope":         {scope: "other.test", rule: unsigned, want: "postgres: is locked from registry.test/db/postgres, which is in the scope of no trust rule"},
		"missing":          {scope: "registry.test", rule: keyless, want: "postgres: is locked without a signature, and the trust rule for registry.test (schemahero-plugins.toml:5) asks for one"},
		"another identity": {scope: "registry.test", rule: keyless, signature: &lockfile.Signature{Issuer: "https://issuer.test", Identity: "https://id.test/you"}, want: "postgres: is signed by https://id.test/you (https://issuer.test), whom the trust rule for registry.test (schemahero-plugins.toml:5) does not admit"},
		"key for keyless":  {scope: "registry.test", rule: keyless, signature: &lockfile.Signature{Key: "sha256:" + strings.Repeat("1", 64)}, want: "postgres: is signed by key sha256:1111"},
		"another key":      {scope: "registry.test", rule: byKey, signature: &lockfile.Signature{Key: "sha256:" + strings.Repeat("1", 64)}, want: "postgres: is signed by key sha256:1111"},
		"keyless for key":  {scope: "registry.test", rule: byKey, signature: me, want: "postgres: is signed by https://id.test/me"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "registry = \"" + official + "\"\n[plugins]\npostgres = \"^0.1\"\n"
			if c.scope != "" {
				text += "[[trust]]\nscope = \"" + c.scope + "\"\n" + c.rule + "\n"
			}
			m, err := manifest.Parse(filepath.Join(dir, "schemahero-plugins.toml"), []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			got := Stale(m, locked(t, func(p *lockfile.Plugin) { p.Signature = c.signature }), "")
			switch {
			case c.want == "" && len(got) != 0, c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0].String(), c.want)):
				t.Errorf("got %q, want %q", texts(got), c.want)
			}
		})
	}
	m, err := manifest.Parse(filepath.Join(dir, "schemahero-plugins.toml"), []byte("registry = \""+official+"\"\n[plugins]\npostgres = \"^0.1\"\n[[trust]]\nscope = \"registry.test\"\n"+byKey+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := m.Trust.Rules[0].Fingerprints[0]
	if got := Stale(m, locked(t, func(p *lockfile.Plugin) { p.Signature = &lockfile.Signature{Key: fingerprint} }), ""); len(got) != 0 {
		t.Errorf("got %q", texts(got))
	}
}
