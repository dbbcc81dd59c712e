package trust

import (
	"context"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// preference tells whether a signer is one that is preferred to others. Nil:
// the first found will do.
type preference func(Signer) bool

// preference returns who is preferred of those whom a rule admits. Nobody is
// looked for whom the rule does not.
func (r *Request) preference(rule *policy.Rule) preference {
	l := r.Locked
	switch {
	case !asks(rule):
		return nil
	case l.IsZero():
		return r.Prefers
	case rule.Admits(l.Issuer, l.Identity, l.Key):
		return func(s Signer) bool { return s == l }
	}
	return nil
}

// answers tells whether a signer who is remembered is as good an answer as a new
// one would be: what was verified for nobody in particular may bear the
// signature of who is preferred, too.
func (r *Request) answers(rules ruling, s Signer) bool {
	switch {
	case !asks(rules.project):
		return s.IsZero()
	case !r.Locked.IsZero():
		return s == r.Locked
	}
	return !s.IsZero() && (r.Prefers == nil || r.Prefers(s))
}

// satisfy returns who signed all roots, of those whom a rule admits: one that
// is preferred, else the first found. A rule that asks for nobody is satisfied
// by the zero value.
func (v *Verifier) satisfy(ctx context.Context, roots []*collector, rule *policy.Rule, prefers preference) (Signer, error) {
	if !asks(rule) {
		return Signer{}, nil
	}
	var common []Signer
	for i, c := range roots {
		// One signature is enough, unless whose it is must still be agreed on.
		signers, err := v.signers(ctx, c, rule, prefers, len(roots) > 1)
		if err != nil {
			return Signer{}, err
		}
		if i == 0 {
			common = signers
			continue
		}
		common = slices.DeleteFunc(common, func(s Signer) bool { return !slices.Contains(signers, s) })
		if len(common) == 0 {
			return Signer{}, &RefusedError{Repository: c.src.Name(), Digest: c.subject, Rule: *rule, Reason: OtherSigner, Found: c.found}
		}
	}
	if prefers != nil {
		if i := slices.IndexFunc(common, prefers); i >= 0 {
			return common[i], nil
		}
	}
	return common[0], nil
}

// signers returns whose signatures of a digest verify under a rule, in the
// order read; unless all are wanted, no further than to one that is preferred
// or, where nobody is, to the first. What could not be read is an error where
// it may be what is looked for.
func (v *Verifier) signers(ctx context.Context, c *collector, rule *policy.Rule, prefers preference, all bool) ([]Signer, error) {
	var out []Signer
	var found []Finding
	for i := 0; ; i++ {
		f, ok, err := c.at(ctx, i)
		if err == nil && ok {
			f, err = v.check(ctx, c, f, rule)
		}
		if err != nil && prefers != nil && slices.ContainsFunc(out, prefers) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if f.Form != FormOther || f.Reason != "" {
			found = append(found, f)
		}
		if f.Verified && !slices.Contains(out, f.Signer) {
			out = append(out, f.Signer)
		}
		if f.Verified && !all && (prefers == nil || prefers(f.Signer)) {
			return out, nil
		}
	}
	met := len(out) > 0 && (prefers == nil || slices.ContainsFunc(out, prefers))
	switch {
	case c.unread != nil && !met:
		return nil, c.unread
	case len(out) > 0:
		return out, nil
	}
	return nil, &RefusedError{Repository: c.src.Name(), Digest: c.subject, Rule: *rule, Reason: worst(found), Found: found}
}

// worst is the reason that says most about why nothing verified.
func worst(found []Finding) Reason {
	for _, r := range reasons() {
		if slices.ContainsFunc(found, func(f Finding) bool { return f.Reason == r }) {
			return r
		}
	}
	return Unsigned
}
