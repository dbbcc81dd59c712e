package trust

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// What replaces a release is taken from who signed that, where others whom the
// rule admits signed it too: in whatever order they are read.
func TestSignerBeforeIsPreferred(t *testing.T) {
	a, ruleA := newKey(t, nil)
	b, ruleB := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("both signed")
	sign(t, repo, d, a)
	sign(t, repo, d, b)
	v := newVerifier(t)
	if _, err := v.Verify(t.Context(), ask(repo, d, also(ruleA, ruleB))); err != nil {
		t.Fatal(err)
	}
	for _, k := range []*PrivateKey{a, b} {
		r := ask(repo, d, also(ruleA, ruleB))
		r.Prefers = func(s Signer) bool { return s == k.Signer() }
		if got, err := v.Verify(t.Context(), r); err != nil || got != k.Signer() {
			t.Errorf("%v, %v; want %v", got, err, k.Signer())
		}
	}
	r := ask(repo, d, also(ruleA, ruleB))
	r.Prefers = func(Signer) bool { return false }
	if got, err := v.Verify(t.Context(), r); err != nil || got.IsZero() {
		t.Errorf("signed by others alone: %v, %v", got, err)
	}
}

// readLast puts signatures of a release by both keys, and returns whose is read
// last, of whom, and where it is.
func readLast(t *testing.T, repo *store, d ocispec.Descriptor, a, b *PrivateKey) (first, last *PrivateKey, manifest digest.Digest) {
	t.Helper()
	x, y := sign(t, repo, d, a), sign(t, repo, d, b)
	if strings.Compare(string(x.Manifest), string(y.Manifest)) < 0 {
		return a, b, y.Manifest
	}
	return b, a, x.Manifest
}

// A signature out of reach that may be the locked signer's is not another signer.
func TestLockedSignerOutOfReach(t *testing.T) {
	a, ruleA := newKey(t, nil)
	b, ruleB := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("half in reach")
	first, last, at := readLast(t, repo, d, a, b)
	for name, down := range map[string]error{
		"unreachable": &registry.UnreachableError{Host: "registry.example"},
		"failing":     &registry.StatusError{Host: "registry.example", Status: 503},
		"denied":      &registry.AuthError{Registry: "registry.example"},
	} {
		repo.fail = func(reference string) error {
			if reference == string(at) {
				return down
			}
			return nil
		}
		r := ask(repo, d, also(ruleA, ruleB))
		r.Locked = last.Signer()
		if got, err := newVerifier(t).Verify(t.Context(), r); !errors.Is(err, down) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		r.Locked = first.Signer()
		if got, err := newVerifier(t).Verify(t.Context(), r); err != nil || got != first.Signer() {
			t.Errorf("%s, and of no matter: %v, %v", name, got, err)
		}
	}
}

// What is listed and cannot be read does not hide a good signature.
func TestUnreadableReferrers(t *testing.T) {
	k, rule := newKey(t, nil)
	for name, junk := range map[string]digest.Digest{
		"no digest":    "",
		"a path":       "sha256:../../x",
		"wrong length": "sha256:00",
		"refused":      digest.NewDigestFromEncoded(digest.SHA256, strings.Repeat("0", 64)),
		"not there":    digest.NewDigestFromEncoded(digest.SHA256, strings.Repeat("0", 63)+"1"),
	} {
		t.Run(name, func(t *testing.T) {
			repo := newStore(t)
			repo.fail = func(reference string) error {
				switch {
				case !strings.Contains(reference, ":"):
				case digest.Digest(reference).Validate() != nil:
					return &registry.ReferenceError{Reference: reference}
				case name == "refused" && reference == string(junk):
					return &registry.StatusError{Status: 400}
				}
				return nil
			}
			d := repo.release(name)
			repo.referrers[d.Digest] = []ocispec.Descriptor{{Digest: junk}}
			if name == "refused" {
				var status *registry.StatusError
				if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); !errors.As(err, &status) {
					t.Errorf("alone: %v", err)
				}
			} else {
				refused(t, newVerifier(t), ask(repo, d, rule), Malformed)
			}
			sign(t, repo, d, k)
			if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); err != nil {
				t.Errorf("beside a good one: %v", err)
			}
		})
	}
}

// A mirror that has some referrers does not hide those of the origin.
func TestFurtherSource(t *testing.T) {
	k, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("mirrored")
	sign(t, repo, d, k)
	repo.behind = repo.referrers[d.Digest]
	repo.referrers[d.Digest] = nil
	repo.bundle(d.Digest, []byte("{}"))
	repo.behind = append(repo.behind, repo.referrers[d.Digest]...)
	if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); err != nil {
		t.Error(err)
	}
	_, other := newKey(t, nil)
	if e := refused(t, newVerifier(t), ask(repo, d, other), OtherSigner); len(e.Found) != 2 {
		t.Errorf("found %v, want what both have once", e.Found)
	}
}

// However many referrers there are, the older form's tag is read.
func TestOlderFormBesideMany(t *testing.T) {
	raw := newRaw(t)
	_, rule := newKey(t, raw)
	repo := newStore(t)
	d := repo.release("popular")
	for i := range maxSignatures + 1 {
		repo.bundle(d.Digest, []byte(strings.Repeat(" ", i)+"{}"))
	}
	repo.simple(d.Digest, d.Digest, raw)
	if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); err != nil {
		t.Error(err)
	}
}

// Of the older form's layers no more are read than of referrers.
func TestManyLayers(t *testing.T) {
	raw, theirs := newRaw(t), newRaw(t)
	_, rule := newKey(t, raw)
	repo := newStore(t)
	d := repo.release("layered")
	tag := "sha256-" + d.Digest.Encoded() + ".sig"
	repo.simple(d.Digest, d.Digest, theirs)
	layer := func() ocispec.Descriptor {
		var m ocispec.Manifest
		if err := json.Unmarshal(repo.blobs[repo.tags[tag]], &m); err != nil {
			t.Fatal(err)
		}
		return m.Layers[0]
	}
	bad := layer()
	repo.simple(d.Digest, d.Digest, raw)
	good := layer()
	data, err := json.Marshal(ocispec.Manifest{Layers: append(slices.Repeat([]ocispec.Descriptor{bad}, maxSignatures), good)})
	if err != nil {
		t.Fatal(err)
	}
	repo.tags[tag], repo.reads = repo.put(data), 0
	e := refused(t, newVerifier(t), ask(repo, d, rule), OtherSigner)
	if last := e.Found[len(e.Found)-1]; last.Reason != TooLarge || repo.reads > maxSignatures+2 {
		t.Errorf("%d reads, the last one found %v", repo.reads, last)
	}
}

// If any key of a rule will do, nobody further is asked for the one that is
// preferred.
func TestKeyRotates(t *testing.T) {
	a, ruleA := newKey(t, nil)
	b, ruleB := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("signed by the new key")
	sign(t, repo, d, b)
	further := false
	repo.fail = func(reference string) error {
		if strings.HasSuffix(reference, ".sig") {
			further = true
			return &registry.StatusError{Host: "registry.example", Status: 503}
		}
		return nil
	}
	r := ask(repo, d, also(ruleA, ruleB))
	r.Prefers = func(s Signer) bool { return s == a.Signer() }
	if got, err := newVerifier(t).Verify(t.Context(), r); err == nil || !further {
		t.Errorf("where only the old one will do: %v, %v", got, err)
	}
	r.AnyWillDo, further = true, false
	if got, err := newVerifier(t).Verify(t.Context(), r); err != nil || got != b.Signer() || further {
		t.Errorf("%v, %v; asked further: %v", got, err, further)
	}
}
