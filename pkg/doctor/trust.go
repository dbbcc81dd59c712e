package doctor

import (
	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

// Standing is how a locked driver stands with the rules of a file.
type Standing string

// The states.
const (
	Verified   Standing = "verified"   // this home has verified it under these rules, as locked
	Unverified Standing = "unverified" // not yet: the next sync does
	Unasked    Standing = "unsigned"   // the rule accepts it with no signature
	Refused    Standing = "refused"    // no rule is for it, or the locked signer is not one that the rule admits
	NoRule     Standing = "no rule"    // no file has any
)

// Trusted is a locked driver and what one file's rules say of it.
type Trusted struct {
	Entry lockfile.Plugin
	File  string       // that has rules; "" where none has
	Rule  *policy.Rule // nil if the file has none for the driver's repository
	State Standing
}

// Reference names the driver's release, to show what signatures there are.
func (t Trusted) Reference() string {
	if roots := t.Entry.Roots(); len(roots) > 0 {
		return t.Entry.Repository + "@" + string(roots[0])
	}
	return t.Entry.Repository
}

// Trust tells of each locked driver which rules decide and what is known here. It
// asks no network. Without a manifest m is nil.
func Trust(m *manifest.Manifest, lock *lockfile.Lock, o Options) ([]Trusted, error) {
	own := &policy.Policy{}
	if m != nil {
		own = &m.Trust
	}
	var out []Trusted
	for _, entry := range lock.Plugins {
		repo, err := o.Repository(entry.Repository)
		if err != nil {
			return nil, err
		}
		q := project.Verification{Manifest: m, Entry: entry, Repository: repo}
		if locked, ok := entry.Platform(o.Platform); ok {
			q.Platforms = append(q.Platforms, locked.Platform)
		}
		ours, machines, err := o.Verifier.Remembers(q)
		if err != nil && fault.Of(err) != fault.Integrity { // a rule's no is a state
			return nil, err
		}
		here := trusted(entry, own, ours, true)
		for i, policy := range o.Machine {
			here = append(here, trusted(entry, policy, machines[i], false)...)
		}
		if len(here) == 0 {
			here = []Trusted{{Entry: entry, State: NoRule}}
		}
		out = append(out, here...)
	}
	return out, nil
}

// trust finds what the next sync will say of signatures, as far as the lock and
// this home's memory know: no registry is asked.
func (x *examination) trust() error {
	if x.lock == nil {
		return nil
	}
	m, err := x.manifest()
	if err != nil {
		return err
	}
	found, err := Trust(m, x.lock, x.Options)
	for _, t := range found {
		state := OK
		switch t.State {
		case NoRule:
			continue
		case Refused:
			state = Advice
		}
		x.add("trust", t.Entry.Name, state, TrustState, func(f *Finding) { f.Trusted = t })
	}
	return err
}

// trusted is what one policy says of a driver; none if it has no rules. known
// reports whether this home has verified the driver under it. The lock records whom
// the project's own policy verified.
func trusted(entry lockfile.Plugin, p *policy.Policy, known, own bool) []Trusted {
	rule, governed := p.Decide(entry.Repository)
	if !governed {
		return nil
	}
	t := Trusted{Entry: entry, File: p.File, Rule: rule, State: Unverified}
	s := entry.Signature
	switch {
	case rule == nil, own && s != nil && !rule.Unsigned && !rule.Admits(s.Issuer, s.Identity, s.Key):
		t.State = Refused
	case rule.Unsigned:
		t.State = Unasked
	case known:
		t.State = Verified
	}
	return []Trusted{t}
}
