package trust

import (
	"context"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// preference is which of several signers is wanted. The zero value is the one
// found first.
type preference struct {
	prefers func(Signer) bool
	// willing: another will do as well, so that the preferred one is looked for only
	// if the others were found.
	willing bool
}

// met reports whether one of the signers is wanted.
func (p preference) met(signers []Signer) bool {
	return len(signers) > 0 && (p.prefers == nil || slices.ContainsFunc(signers, p.prefers))
}

// preference returns who is preferred among the signers that a rule admits.
func (r *Request) preference(rule *policy.Rule) preference {
	l := r.Locked
	switch {
	case !asks(rule):
		return preference{}
	case l.IsZero():
		return preference{r.Prefers, r.AnyWillDo}
	case rule.Admits(l.Issuer, l.Identity, l.Key):
		return preference{prefers: func(s Signer) bool { return s == l }}
	}
	return preference{}
}

// answers reports whether a remembered signer is as good an answer as a new
// one would be: what was verified for no particular signer may also have the
// signature of the preferred one.
func (r *Request) answers(rules ruling, s Signer) bool {
	switch {
	case !asks(rules.project):
		return s.IsZero()
	case !r.Locked.IsZero():
		return s == r.Locked
	}
	return !s.IsZero() && (r.Prefers == nil || r.AnyWillDo || r.Prefers(s))
}

// satisfy returns who signed all roots, of those whom a rule admits: one that
// is preferred, else the first found. A rule that asks for nobody is satisfied
// by the zero value.
func (v *Verifier) satisfy(ctx context.Context, roots []*collector, rule *policy.Rule, wants preference) (Signer, error) {
	if !asks(rule) {
		return Signer{}, nil
	}
	var common []Signer
	for i, c := range roots {
		// One signature is enough, unless whose it is must still be agreed on.
		signers, err := v.signers(ctx, c, rule, wants, len(roots) > 1)
		if err != nil {
			return Signer{}, err
		}
		if i == 0 {
			common = signers
			continue
		}
		common = slices.DeleteFunc(common, func(s Signer) bool { return !slices.Contains(signers, s) })
		if len(common) == 0 {
			return Signer{}, &RefusedError{Repository: c.src.Name(), Digest: c.subject, Rule: *rule, Reason: Disagreement, Found: c.found}
		}
	}
	if wants.prefers != nil {
		if i := slices.IndexFunc(common, wants.prefers); i >= 0 {
			return common[i], nil
		}
	}
	return common[0], nil
}

// signers returns whose signatures of a digest verify under a rule, in the
// order read; unless all are wanted, no further than to one that is preferred
// or, if nobody is, to the first. What could not be read is an error if
// it may be what is looked for.
func (v *Verifier) signers(ctx context.Context, c *collector, rule *policy.Rule, wants preference, all bool) ([]Signer, error) {
	var out []Signer
	var found []Finding
	for i := 0; ; i++ {
		f, ok, err := c.at(ctx, i)
		if err == nil && ok {
			f, err = v.check(ctx, c, f, rule)
		}
		if err != nil && (wants.willing && len(out) > 0 || wants.prefers != nil && wants.met(out)) {
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
		if f.Verified && !all && wants.met([]Signer{f.Signer}) || wants.willing && len(out) > 0 && c.allRead(i+1) {
			return out, nil
		}
	}
	switch {
	case c.unread != nil && !wants.met(out) && !(wants.willing && len(out) > 0):
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
