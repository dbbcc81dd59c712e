package trust

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// If the lock says nothing of who signed, as a frozen one from before the
// rules, the memory does.
func TestMemoryOfTheNameless(t *testing.T) {
	a, ruleA := newKey(t, nil)
	b, ruleB := newKey(t, nil)
	repo := newStore(t)
	amd64, arm64 := repo.release("amd64"), repo.release("arm64")
	r := ask(repo, amd64, also(ruleA, ruleB))
	sign(t, repo, amd64, a)
	dir := t.TempDir()
	for _, reads := range []bool{true, false} {
		repo.reads = 0
		got, err := New(Options{Dir: dir}).Verify(t.Context(), r)
		if err != nil || got != a.Signer() || (repo.reads > 0) != reads {
			t.Fatalf("%v, %v after %d reads", got, err, repo.reads)
		}
	}
	// Two releases of two signers are not both of one.
	other := ask(repo, arm64, also(ruleA, ruleB))
	sign(t, repo, arm64, b)
	v := New(Options{Dir: dir})
	if _, err := v.Verify(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	r.Roots = append(r.Roots, arm64.Digest)
	refused(t, v, r, Disagreement)

	// A line that lost who signed says nothing.
	file := filepath.Join(dir, "verified")
	var kept []byte
	for _, k := range ask(repo, amd64, also(ruleA, ruleB)).nameless() {
		kept = append(kept, k.hash+"\n"...)
	}
	if err := os.WriteFile(file, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Roots = r.Roots[:1]
	if got, err := New(Options{Dir: dir}).Verify(t.Context(), r); err != nil || got != a.Signer() {
		t.Errorf("%v, %v", got, err)
	}
}

func (r Request) nameless() []mark {
	rule, _ := r.Project.Decide(repository)
	return r.projectMarks(rule, Signer{}, Signer{})
}

// What the memory answers is for the project alone: where that asks for nobody,
// whom the machine's rules admitted is not told.
func TestMachineAloneTellsNobody(t *testing.T) {
	k, rule := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("machine's")
	sign(t, repo, d, k)
	v := newVerifier(t)
	r := ask(repo, d, rule)
	r.Machine, r.Project, r.Locked = []*policy.Policy{r.Project}, nil, k.Signer()
	for _, reads := range []bool{true, false} {
		repo.reads = 0
		if got, err := v.Verify(t.Context(), r); err != nil || !got.IsZero() || (repo.reads > 0) != reads {
			t.Errorf("%v, %v after %d reads", got, err, repo.reads)
		}
	}
	r.Project = under(policy.Rule{Scope: "registry.example", Unsigned: true})
	if got, err := v.Verify(t.Context(), r); err != nil || !got.IsZero() {
		t.Errorf("accepted unsigned: %v, %v", got, err)
	}
}

// Each policy is remembered by itself.
func TestRemembersEachPolicy(t *testing.T) {
	k, rule := newKey(t, nil)
	_, other := newKey(t, nil)
	repo := newStore(t)
	d := repo.release("remembered")
	sign(t, repo, d, k)
	v := newVerifier(t)
	r := ask(repo, d, rule)
	r.Machine = []*policy.Policy{under(rule)}
	if _, err := v.Verify(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Locked = k.Signer()
	r.Machine = []*policy.Policy{under(other)}
	if project, machine, err := v.Remembers(r); !project || machine[0] || err != nil {
		t.Errorf("another rule of the machine: %v, %v, %v", project, machine, err)
	}
	r.Project, r.Machine = under(other), []*policy.Policy{under(rule)}
	if project, machine, err := v.Remembers(r); project || !machine[0] || err != nil {
		t.Errorf("another rule of the project: %v, %v, %v", project, machine, err)
	}
}

// A trusted root that was replaced makes another rule.
func TestMemoryIsOfTheRoot(t *testing.T) {
	s := newSigstore(t)
	repo := newStore(t)
	d := repo.release("rooted")
	repo.bundle(d.Digest, s.sign(d.Digest, identity, issuer, nil))
	v := newVerifier(t)
	r := ask(repo, d, s.rule())
	r.Locked = Signer{Issuer: issuer, Identity: identity}
	if _, err := v.Verify(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(data []byte) error{
		"size": func(data []byte) error {
			info, err := os.Stat(s.root)
			if err != nil {
				return err
			}
			if err := os.WriteFile(s.root, append(data, ' '), 0o600); err != nil {
				return err
			}
			return os.Chtimes(s.root, time.Time{}, info.ModTime())
		},
		"age": func([]byte) error { return os.Chtimes(s.root, time.Time{}, time.Now().Add(time.Hour)) },
	} {
		data, err := os.ReadFile(s.root)
		if err != nil {
			t.Fatal(err)
		}
		if known, _, err := v.Remembers(r); !known || err != nil {
			t.Fatalf("%s, before: %v, %v", name, known, err)
		}
		if err := change(data); err != nil {
			t.Fatal(err)
		}
		if known, _, err := v.Remembers(r); known || err != nil {
			t.Errorf("%s: %v, %v", name, known, err)
		}
		if _, err := v.Verify(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}
