package project

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

const repository = "registry.example/acme/postgres"

// signers is a Verifier that knows who signed each version.
type signers map[string]*lockfile.Signature

func (s signers) Verify(_ context.Context, v Verification) (*lockfile.Signature, error) {
	by, ok := s[v.Entry.Version]
	if !ok {
		return nil, &RefusedError{v.Entry.Name, errors.New("has no signature")}
	}
	return by, nil
}

func keySigner(print string) *lockfile.Signature { return &lockfile.Signature{Key: "sha256:" + print} }

func workflow(ref string) *lockfile.Signature {
	return &lockfile.Signature{Issuer: "https://token.example", Identity: "https://git.example/acme/w.yaml@refs/" + ref}
}

func entryOf(version string, by *lockfile.Signature) lockfile.Plugin {
	return lockfile.Plugin{Name: "postgres", Version: version, Repository: repository, Tag: version, Signature: by}
}

func keysRule(prints ...string) []policy.Rule {
	r := policy.Rule{Scope: "registry.example", Keys: prints}
	for _, p := range prints {
		r.Fingerprints = append(r.Fingerprints, "sha256:"+p)
	}
	return []policy.Rule{r}
}

func regexpRule() []policy.Rule {
	return []policy.Rule{{Scope: "registry.example", Keyless: &policy.Keyless{Issuer: "https://token.example", IdentityRegexp: ".*"}}}
}

// How a lock goes from one signer to another, and what stops it.
func TestCheckSigner(t *testing.T) {
	other := &lockfile.Signature{Issuer: "https://token.example", Identity: "https://git.example/acme/other.yaml@refs/heads/main"}
	for name, c := range map[string]struct {
		rules    []policy.Rule
		locked   *lockfile.Signature // of 1.0.0
		verified signers
		to       string // version; 1.0.0 for the content that is locked
		accept   bool
		frozen   bool
		want     *lockfile.Signature
		refused  bool
	}{
		"first signature":              {rules: keysRule("a"), verified: signers{"1.0.0": keySigner("a")}, to: "1.0.0", want: keySigner("a")},
		"frozen records nothing":       {rules: keysRule("a"), verified: signers{"1.0.0": keySigner("a")}, to: "1.0.0", frozen: true},
		"none":                         {rules: keysRule("a"), verified: signers{}, to: "1.0.0", refused: true},
		"none, accepted":               {rules: keysRule("a"), verified: signers{}, to: "1.0.0", accept: true, refused: true},
		"nobody known":                 {rules: keysRule("a"), verified: signers{"1.0.0": nil}, to: "1.0.0", refused: true},
		"as locked":                    {rules: keysRule("a"), locked: keySigner("a"), verified: signers{"1.0.0": keySigner("a")}, to: "1.0.0", want: keySigner("a")},
		"lock edited":                  {rules: keysRule("a", "b"), locked: keySigner("b"), verified: signers{"1.0.0": keySigner("a")}, to: "1.0.0", refused: true},
		"key replaced in the rule":     {rules: keysRule("b"), locked: keySigner("a"), verified: signers{"1.0.0": keySigner("b")}, to: "1.0.0", refused: true},
		"key replaced, accepted":       {rules: keysRule("b"), locked: keySigner("a"), verified: signers{"1.0.0": keySigner("b")}, to: "1.0.0", accept: true, want: keySigner("b")},
		"key of the same rule":         {rules: keysRule("a", "b"), locked: keySigner("a"), verified: signers{"2.0.0": keySigner("b")}, to: "2.0.0", want: keySigner("b")},
		"key instead of a workflow":    {rules: keysRule("b"), locked: workflow("heads/main"), verified: signers{"2.0.0": keySigner("b")}, to: "2.0.0", refused: true},
		"another ref":                  {rules: regexpRule(), locked: workflow("tags/v1"), verified: signers{"2.0.0": workflow("tags/v2")}, to: "2.0.0", want: workflow("tags/v2")},
		"another workflow":             {rules: regexpRule(), locked: workflow("tags/v1"), verified: signers{"2.0.0": other}, to: "2.0.0", refused: true},
		"another workflow, accepted":   {rules: regexpRule(), locked: workflow("tags/v1"), verified: signers{"2.0.0": other}, to: "2.0.0", accept: true, want: other},
		"unsigned by rule":             {rules: []policy.Rule{{Scope: "registry.example", Unsigned: true}}, locked: keySigner("a"), verified: signers{"2.0.0": nil}, to: "2.0.0"},
		"unsigned, same content":       {rules: []policy.Rule{{Scope: "registry.example", Unsigned: true}}, locked: keySigner("a"), verified: signers{"1.0.0": nil}, to: "1.0.0", want: keySigner("a")},
		"no rules, same content":       {locked: keySigner("a"), verified: signers{"1.0.0": nil}, to: "1.0.0", want: keySigner("a")},
		"no rules, moved":              {locked: keySigner("a"), verified: signers{"2.0.0": nil}, to: "2.0.0", refused: true},
		"no rules, moved and accepted": {locked: keySigner("a"), verified: signers{"2.0.0": nil}, to: "2.0.0", accept: true},
		"no rules, never signed":       {verified: signers{"2.0.0": nil}, to: "2.0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := opened(t, c.verified)
			in := &inputs{manifest: &manifest.Manifest{Trust: policy.Policy{Rules: c.rules}}, before: &lockfile.Lock{Plugins: []lockfile.Plugin{entryOf("1.0.0", c.locked)}}}
			entry := entryOf(c.to, nil)
			if c.to == "1.0.0" {
				entry.Signature = c.locked
			}
			v := signerCheck{in: in, frozen: c.frozen}
			if c.accept {
				v.acceptNew = []string{"postgres"}
			}
			err := p.checkSigner(t.Context(), &entry, v)
			if refused := errors.As(err, new(*RefusedError)) || errors.As(err, new(*SignerError)); refused != c.refused || !refused && err != nil {
				t.Fatalf("%v", err)
			}
			if err == nil && !entry.Signature.Equal(c.want) {
				t.Errorf("records %+v, want %+v", entry.Signature, c.want)
			}
		})
	}
}

// A release that lies in another place, with the same bytes, is still signed by
// whom the lock says.
func TestCheckSignerOfAnotherPlace(t *testing.T) {
	locked := entryOf("1.0.0", keySigner("a"))
	locked.Digest = "sha256:d"
	for name, want := range map[string]*lockfile.Signature{"sha256:d": keySigner("a"), "sha256:e": nil} {
		entry := locked.Clone()
		entry.Repository, entry.Digest, entry.Signature = "new.example/postgres", digest.Digest(name), nil
		in := &inputs{manifest: &manifest.Manifest{}, before: &lockfile.Lock{Plugins: []lockfile.Plugin{locked}}}
		err := opened(t, signers{"1.0.0": nil}).checkSigner(t.Context(), &entry, signerCheck{in: in})
		if refused := errors.As(err, new(*SignerError)); refused != (want == nil) || !entry.Signature.Equal(want) {
			t.Errorf("%s: signed by %v, %v", name, entry.Signature, err)
		}
	}
}

func opened(t *testing.T, v Verifier) *Project {
	t.Helper()
	client, err := registry.New(registry.Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return Open(filepath.Join(t.TempDir(), ManifestName), Options{Home: t.TempDir(), Registry: client, Verifier: v})
}

// asked is a Verifier that notes what it is asked.
type asked struct {
	questions []Verification
	signers
}

func (a *asked) Verify(ctx context.Context, v Verification) (*lockfile.Signature, error) {
	a.questions = append(a.questions, v)
	return a.signers.Verify(ctx, v)
}

// A lock asks of what it does not say already, and says whom it said before.
func TestCheckSignerAsks(t *testing.T) {
	grown := entryOf("1.0.0", keySigner("a"))
	grown.Platforms = []lockfile.Platform{{Platform: artifact.Platform{OS: "linux", Arch: "arm64"}}}
	renamed := entryOf("1.0.0", keySigner("a"))
	renamed.Aliases = []string{"cockroachdb"}
	for name, c := range map[string]struct {
		rules []policy.Rule
		entry lockfile.Plugin
		want  int
	}{
		"as locked":            {keysRule("a"), entryOf("1.0.0", keySigner("a")), 0},
		"with an alias":        {keysRule("a"), renamed, 0},
		"under no rules":       {nil, entryOf("1.0.0", keySigner("a")), 0},
		"another platform":     {keysRule("a"), grown, 1},
		"without a signature":  {keysRule("a"), entryOf("1.0.0", nil), 1},
		"not admitted":         {keysRule("b"), entryOf("1.0.0", keySigner("a")), 1},
		"in no scope":          {[]policy.Rule{{Scope: "elsewhere.example", Unsigned: true}}, entryOf("1.0.0", keySigner("a")), 1},
		"another version":      {keysRule("a"), entryOf("2.0.0", nil), 1},
		"unsigned, as locked":  {[]policy.Rule{{Scope: "registry.example", Unsigned: true}}, entryOf("1.0.0", keySigner("a")), 0},
		"unsigned, other lock": {[]policy.Rule{{Scope: "registry.example", Unsigned: true}}, entryOf("2.0.0", nil), 1},
	} {
		a := &asked{signers: signers{"1.0.0": keySigner("a"), "2.0.0": keySigner("a")}}
		p := opened(t, a)
		in := &inputs{manifest: &manifest.Manifest{Trust: policy.Policy{Rules: c.rules}}, before: &lockfile.Lock{Plugins: []lockfile.Plugin{entryOf("1.0.0", keySigner("a"))}}}
		if err := p.checkSigner(t.Context(), &c.entry, signerCheck{in: in, onlyChanged: true}); err != nil && name != "not admitted" {
			t.Errorf("%s: %v", name, err)
		}
		if len(a.questions) != c.want || c.want == 1 && !a.questions[0].Before.Equal(keySigner("a")) {
			t.Errorf("%s: %d questions, want %d: %+v", name, len(a.questions), c.want, a.questions)
		}
	}
}

// A program that cannot verify refuses a manifest that asks for it.
func TestNoVerifier(t *testing.T) {
	p := opened(t, nil)
	entry := entryOf("1.0.0", nil)
	var e *NoVerifierError
	in := &inputs{manifest: &manifest.Manifest{Trust: policy.Policy{Rules: keysRule("a")}}}
	if err := p.checkSigner(t.Context(), &entry, signerCheck{in: in}); !errors.As(err, &e) {
		t.Errorf("with rules: %v", err)
	}
	in = &inputs{manifest: &manifest.Manifest{}}
	if err := p.checkSigner(t.Context(), &entry, signerCheck{in: in}); err != nil {
		t.Errorf("without: %v", err)
	}
}

// An update keeps what it is refused a successor for, if the rest goes with it.
func TestUpdateKeeps(t *testing.T) {
	parsed, err := manifest.Parse("m.toml", []byte("[plugins]\npostgres = { version = \"*\", repository = \""+repository+"\" }\n"))
	if err != nil {
		t.Fatal(err)
	}
	parsed.Trust = policy.Policy{Rules: keysRule("a")}
	locked := entryOf("1.0.0", keySigner("a"))
	p := opened(t, signers{"1.0.0": keySigner("a")})
	v := signerCheck{in: &inputs{manifest: parsed, before: &lockfile.Lock{Plugins: []lockfile.Plugin{locked}}}, keepRefused: true}
	result := &resolve.Result{Lock: &lockfile.Lock{Plugins: []lockfile.Plugin{entryOf("2.0.0", nil)}}}
	refused, err := p.checkSigners(t.Context(), result, v)
	if err != nil || len(refused) != 1 || !result.Lock.Plugins[0].Equal(&locked) {
		t.Errorf("%v, %v: %+v", refused, err, result.Lock.Plugins)
	}
	// One that the manifest no longer admits cannot be kept.
	parsed, err = manifest.Parse("m.toml", []byte("[plugins]\npostgres = { version = \"^2\", repository = \""+repository+"\" }\n"))
	if err != nil {
		t.Fatal(err)
	}
	v.in.manifest = parsed
	parsed.Trust = policy.Policy{Rules: keysRule("a")}
	result = &resolve.Result{Lock: &lockfile.Lock{Plugins: []lockfile.Plugin{entryOf("2.0.0", nil)}}}
	if _, err := p.checkSigners(t.Context(), result, v); !errors.As(err, new(*RefusedError)) {
		t.Errorf("%v", err)
	}
}
