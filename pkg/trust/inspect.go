package trust

import (
	"context"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Inspect returns everything that refers to a digest or is kept as its
// signature, each checked against the rule that is given for it; nil is none. An
// attestation is Verified if its own signature is, and its Reason stays.
// If that rule's root is out of reach the finding says so. Errors: the
// Repository's.
func (v *Verifier) Inspect(ctx context.Context, src registry.Repository, d digest.Digest, rule func(Finding) *policy.Rule) ([]Finding, error) {
	c := newCollector(src, d)
	var out []Finding
	for i := 0; ; i++ {
		f, ok, err := c.at(ctx, i)
		if err != nil || !ok {
			return out, err
		}
		if r := rule(f); asks(r) {
			f = v.inspected(ctx, c, f, r)
		}
		out = append(out, f)
	}
}

// inspected checks one finding against a rule. An attestation counts as no
// signature, but whether its own is good is worth knowing too.
func (v *Verifier) inspected(ctx context.Context, c *collector, f Finding, rule *policy.Rule) Finding {
	if f.stands(rule) {
		f.Reason = ""
	}
	bare := f
	if f.Reason == Attestation {
		bare.Reason = ""
	}
	held, err := v.check(ctx, c, bare, rule)
	switch {
	case err != nil:
		f.Err = err
		return f
	case f.Reason != Attestation:
		return held
	case held.Reason != "":
		held.Err = held.problem()
	}
	held.Reason = Attestation
	return held
}

// Remembers reports whether this home has verified a release, as it is locked,
// under each policy of a request, the machine's in their order. A policy that asks for no signature counts as
// satisfied, and so does one that has no rule for it: then the error is a
// *ScopeError. It asks no network.
func (v *Verifier) Remembers(r Request) (project bool, machine []bool, err error) {
	rules, scope := r.rules()
	signer, project := v.memory.recall(r.marks(ruling{project: rules.project}))
	for _, rule := range rules.machine {
		_, known := v.memory.recall(r.otherMarks(ruling{machine: []*policy.Rule{rule}}))
		machine = append(machine, known)
	}
	return project && r.answers(rules, signer), machine, scope
}

// Decide returns the rules that are for a repository, the project's first. Errors:
// *ScopeError.
func Decide(repository string, project *policy.Policy, machine []*policy.Policy) ([]*policy.Rule, error) {
	rules, err := decide(repository, nil, project, machine)
	return rules.all(), err
}

// KeyRule returns a rule that asks for one key, to try it. Errors: *KeyError.
func KeyRule(file string) (*policy.Rule, error) {
	k, err := loadPublicKey(file)
	if err != nil {
		return nil, err
	}
	return &policy.Rule{Keys: []string{file}, Fingerprints: []string{k.print}}, nil
}
