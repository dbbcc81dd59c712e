package trust

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

func TestBothPolicies(t *testing.T) {
	project, projectRule := newKey(t, nil)
	machine, machineRule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("both")
	sign(t, repo, d, project)
	r := ask(repo, d, projectRule)
	r.Machine = []*policy.Policy{under(machineRule)}
	refused(t, newVerifier(t), r, OtherSigner)

	sign(t, repo, d, machine)
	if got, err := newVerifier(t).Verify(t.Context(), r); err != nil || got != project.Signer() {
		t.Errorf("%v, %v; want the project's signer", got, err)
	}
	// A pull request cannot loosen what the machine asks for.
	bare := repo.release("bare")
	r = Request{Source: repo, Roots: []digest.Digest{bare.Digest}, Project: under(policy.Rule{Scope: "registry.example", Unsigned: true}), Machine: []*policy.Policy{under(machineRule)}}
	refused(t, newVerifier(t), r, Unsigned)
	r.Project = nil
	refused(t, newVerifier(t), r, Unsigned)
}

func TestOutOfScope(t *testing.T) {
	_, rule := newKey(t, nil)
	rule.Scope = "registry.example/acme/postgres2"
	repo := newStore(t)
	d := repo.release("elsewhere")
	var e *ScopeError
	if _, err := newVerifier(t).Verify(t.Context(), ask(repo, d, rule)); !errors.As(err, &e) || e.Repository != repository {
		t.Errorf("%v", err)
	}
	if got, err := newVerifier(t).Verify(t.Context(), Request{Source: repo, Roots: []digest.Digest{d.Digest}, Project: &policy.Policy{}}); err != nil || !got.IsZero() || repo.reads != 0 {
		t.Errorf("no rules at all: %v, %v, %d reads", got, err, repo.reads)
	}
}

func TestUnsignedIsTold(t *testing.T) {
	told := 0
	v := New(Options{Dir: t.TempDir(), Unsigned: func(string, policy.Rule) { told++ }})
	repo := newStore(t)
	r := ask(repo, repo.release("legacy"), policy.Rule{Scope: "registry.example", Unsigned: true})
	for range 2 {
		if got, err := v.Verify(t.Context(), r); err != nil || !got.IsZero() {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if told != 2 {
		t.Errorf("told %d times, want whenever one is asked about", told)
	}
}

func TestMemory(t *testing.T) {
	k, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("remembered")
	sign(t, repo, d, k)
	dir := t.TempDir()
	checked := 0
	r := ask(repo, d, rule)
	r.Links, r.CheckLinks = []string{"a"}, func(context.Context, bool) error { checked++; return nil }
	verify := func(what string, reads bool) {
		t.Helper()
		repo.reads, checked = 0, 0
		got, err := New(Options{Dir: dir}).Verify(t.Context(), r)
		if err != nil || got != k.Signer() {
			t.Fatalf("%s: %v, %v", what, got, err)
		}
		if (repo.reads > 0) != reads || (checked > 0) != reads {
			t.Errorf("%s: %d reads, chain checked %d times", what, repo.reads, checked)
		}
	}
	verify("first", true)
	r.Locked = k.Signer()
	verify("as locked", false)
	r.Links = []string{"a", "b"}
	verify("another link", true)
	verify("the link again", false)
	r.Again = true
	verify("again", true)
	r.Again = false
	_, other := newKey(t, nil)
	r.Project = under(also(rule, other))
	verify("another policy", true)
	r.Machine = []*policy.Policy{under(rule)}
	verify("a machine's policy too", true)
	verify("and again", false)

	// A line that a crash cut off is nothing.
	file := filepath.Join(dir, "verified")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data[:len(data)-100], 0o600); err != nil {
		t.Fatal(err)
	}
	verify("cut", true)
}

// A memory that was filled by a lock of one signer does not speak for a lock
// that names another.
func TestMemoryIsOfTheSigner(t *testing.T) {
	k, rule := newKey(t, nil)
	other, otherRule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("edited")
	sign(t, repo, d, k)
	v := newVerifier(t)
	r := ask(repo, d, also(rule, otherRule))
	r.Locked = k.Signer()
	if _, err := v.Verify(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Locked = other.Signer()
	if got, err := v.Verify(t.Context(), r); err != nil || got != k.Signer() {
		t.Errorf("%v, %v; want who really signed", got, err)
	}
}

func TestLockedSignerIsPreferred(t *testing.T) {
	a, ruleA := newKey(t, nil)
	b, ruleB := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("both signed")
	sign(t, repo, d, a)
	sign(t, repo, d, b)
	for _, k := range []*PrivateKey{a, b} {
		r := ask(repo, d, also(ruleA, ruleB))
		r.Locked = k.Signer()
		if got, err := newVerifier(t).Verify(t.Context(), r); err != nil || got != k.Signer() {
			t.Errorf("%v, %v", got, err)
		}
	}
}

// In the tags layout each platform's manifest is signed, and by one signer.
func TestSeveralRoots(t *testing.T) {
	a, ruleA := newKey(t, nil)
	b, ruleB := newKey(t, nil)
	repo := newStore(t)
	amd64, arm64 := repo.release("amd64"), repo.release("arm64")
	r := ask(repo, amd64, also(ruleA, ruleB))
	r.Roots = append(r.Roots, arm64.Digest)
	sign(t, repo, amd64, a)
	refused(t, newVerifier(t), r, Unsigned)
	sign(t, repo, arm64, b)
	refused(t, newVerifier(t), r, Disagreement)
	sign(t, repo, amd64, b)
	if got, err := newVerifier(t).Verify(t.Context(), r); err != nil || got != b.Signer() {
		t.Errorf("%v, %v; want who signed both", got, err)
	}
}

func TestBrokenChain(t *testing.T) {
	k, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("chain")
	sign(t, repo, d, k)
	broken := errors.New("leads elsewhere")
	r := ask(repo, d, rule)
	r.CheckLinks = func(context.Context, bool) error { return broken }
	if _, err := newVerifier(t).Verify(t.Context(), r); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestInspect(t *testing.T) {
	k, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("shown")
	sign(t, repo, d, k)
	repo.refer(d.Digest, d.Digest, ocispec.Descriptor{MediaType: "application/spdx+json"}, []byte("{}"))
	found, err := newVerifier(t).Inspect(t.Context(), repo, d.Digest, func(Finding) *policy.Rule { return &rule })
	if err != nil || len(found) != 2 {
		t.Fatalf("%v, %v", found, err)
	}
	verified, other := 0, 0
	for _, f := range found {
		if f.Verified && f.Signer == k.Signer() {
			verified++
		}
		if f.Form == FormOther && f.Reason == "" {
			other++
		}
	}
	if verified != 1 || other != 1 {
		t.Errorf("%v", found)
	}
}

// Of a machine with several policies each must be satisfied, and each is remembered.
func TestEachOfTheMachinesPolicies(t *testing.T) {
	first, firstRule := newKey(t, nil)
	second, secondRule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("each")
	r := ask(repo, d, firstRule)
	r.Project, r.Machine = nil, []*policy.Policy{under(firstRule), under(secondRule)}
	sign(t, repo, d, first)
	refused(t, newVerifier(t), r, OtherSigner)
	v := newVerifier(t)
	sign(t, repo, d, second)
	if got, err := v.Verify(t.Context(), r); err != nil || !got.IsZero() {
		t.Errorf("%v, %v; want nobody, whom the lock does not record", got, err)
	}
	_, other := newKey(t, nil)
	r.Machine = append(r.Machine, under(other))
	if _, machine, err := v.Remembers(r); err != nil || !slices.Equal(machine, []bool{true, true, false}) {
		t.Errorf("remembers %v, %v", machine, err)
	}
}
