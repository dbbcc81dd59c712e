package project

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// vetting is how a lock is held against trust rules.
type vetting struct {
	in        *inputs
	frozen    bool                // the lock is not changed
	again     bool                // nothing remembered counts
	news      bool                // only what the lock does not say already
	resolved  []string            // with a merge: only these are verified, the others are as a side wrote them; nil: all
	keep      bool                // an entry whose successor is refused stays as it is locked
	accept    []string            // drivers that may have another signer than is locked
	platforms []artifact.Platform // of entries that are not new, those that matter; nil: all
}

// verify holds every entry of a result against the trust rules and records who
// signed it. refused is why entries were kept as they are locked.
func (p *Project) verify(ctx context.Context, result *resolve.Result, v vetting) (refused []error, err error) {
	entries := result.Lock.Plugins
	verdicts := make([]error, len(entries))
	err = parallel.Join(parallel.Each(ctx, len(entries), parallelRequests, func(i int) error {
		err := p.vet(ctx, &entries[i], v)
		if errors.As(err, new(*RefusedError)) || errors.As(err, new(*SignerError)) {
			verdicts[i] = err
			return nil
		}
		return err
	}))
	if err != nil {
		return nil, err
	}
	for i, verdict := range verdicts {
		if verdict == nil {
			continue
		}
		refused = append(refused, verdict)
		previous, ok := v.in.before.Plugin(entries[i].Name)
		if !v.keep || !ok || previous.Equal(&entries[i]) {
			continue
		}
		kept := previous.Clone()
		if err := p.vet(ctx, &kept, v); err != nil {
			return nil, errors.Join(verdict, err)
		}
		entries[i], verdicts[i] = kept, nil
	}
	// One that could not be kept, or that others do not go with, ends it all.
	if len(refused) > 0 && (parallel.Join(verdicts) != nil || len(resolve.Stale(v.in.manifest, result.Lock, p.o.Override)) > 0) {
		return nil, parallel.Join(refused)
	}
	return refused, nil
}

// vet holds one entry against the trust rules. What it comes with as a
// signature, or what is locked with the same content, is what the lock says of
// it.
func (p *Project) vet(ctx context.Context, entry *lockfile.Plugin, v vetting) error {
	previous, _ := v.in.before.Plugin(entry.Name)
	if v.news && v.says(previous, entry) {
		return nil
	}
	var was *lockfile.Signature
	if previous != nil {
		was = previous.Clone().Signature
	}
	same := previous != nil && resolve.SameContent(previous, entry)
	if same && entry.Signature == nil && !v.frozen {
		entry.Signature = was
	}
	if v.resolved != nil && !slices.Contains(v.resolved, entry.Name) {
		return v.carried(entry, was, same)
	}
	found, err := p.signer(ctx, entry, previous, v)
	if err != nil {
		return err
	}
	accepted := slices.Contains(v.accept, entry.Name)
	rule, governed := v.manifest().Trust.Decide(entry.Repository)
	if !governed || rule == nil {
		// Nobody is asked for, but what bears a signature is not moved to content
		// without.
		if was != nil && entry.Signature == nil && !accepted {
			return &SignerError{Name: entry.Name, Locked: was, Moved: true, Merging: v.in.merged}
		}
		return nil
	}
	if rule.Unsigned {
		return nil // what is locked of the same content stays; of other content there is none
	}
	if found == nil {
		return &RefusedError{entry.Name, errors.New("nobody is known to have signed it")}
	}
	admitted := func(s *lockfile.Signature) bool { return rule.Admits(s.Issuer, s.Identity, s.Key) }
	other := false
	switch locked := entry.Signature; {
	case locked != nil && admitted(locked):
		other = !found.Equal(locked)
	case locked != nil:
		other = !found.SameSigner(locked)
	case was != nil:
		other = !found.SameSigner(was) && !v.rotates(entry.Repository, was)
	}
	if other && !accepted {
		return &SignerError{Name: entry.Name, Locked: cmp.Or(entry.Signature, was), Found: found, Moved: entry.Signature == nil, Merging: v.in.merged}
	}
	if !v.frozen {
		entry.Signature = found
	}
	return nil
}

// carried holds what a merge took from the other side against what ours had,
// asking nobody: git may not have merged the rules yet, and a sync verifies it.
// A signature is not lost, and not another's, without a word.
func (v *vetting) carried(entry *lockfile.Plugin, was *lockfile.Signature, same bool) error {
	rule, _ := v.manifest().Trust.Decide(entry.Repository)
	s := entry.Signature
	switch {
	case was == nil, same, rule != nil && rule.Unsigned:
		return nil
	case s != nil && (s.SameSigner(was) || v.rotates(entry.Repository, was) && v.rotates(entry.Repository, s)):
		return nil
	}
	return &SignerError{Name: entry.Name, Locked: was, Found: s, Moved: true, Merging: true}
}

// rotates tells whether a rule lists the key of a signature: another of its keys
// may then take that one's place.
func (v *vetting) rotates(repository string, s *lockfile.Signature) bool {
	rule, _ := v.manifest().Trust.Decide(repository)
	return rule != nil && s != nil && s.Key != "" && rule.Admits("", "", s.Key)
}

// manifest returns the manifest, an empty one where there is none.
func (v *vetting) manifest() *manifest.Manifest {
	if v.in.manifest == nil {
		return &manifest.Manifest{}
	}
	return v.in.manifest
}

// says tells whether the lock has an entry already, with the signature that the
// project asks for. Whether that is there, is for a sync to see.
func (v *vetting) says(previous, entry *lockfile.Plugin) bool {
	if previous == nil {
		return false
	}
	pinned := entry.Clone()
	pinned.Aliases = previous.Aliases
	if !previous.Equal(&pinned) {
		return false
	}
	switch rule, governed := v.manifest().Trust.Decide(entry.Repository); {
	case !governed:
		return true
	case rule == nil:
		return false
	default:
		s := entry.Signature
		return rule.Unsigned || s != nil && rule.Admits(s.Issuer, s.Identity, s.Key)
	}
}

// signer asks the Verifier who signed an entry.
func (p *Project) signer(ctx context.Context, entry, previous *lockfile.Plugin, v vetting) (*lockfile.Signature, error) {
	if p.o.Verifier == nil {
		for _, rules := range []*policy.Policy{&v.manifest().Trust, p.o.Machine} {
			if rules == nil {
				continue
			}
			if rule, governed := rules.Decide(entry.Repository); governed && (rule == nil || !rule.Unsigned) {
				return nil, &NoVerifierError{File: rules.File, Repository: entry.Repository}
			}
		}
		return nil, nil
	}
	repo, err := p.o.repository(entry.Repository)
	if err != nil {
		return nil, err
	}
	var platforms []artifact.Platform
	for _, locked := range entry.Platforms {
		if len(v.platforms) == 0 || previous == nil || !previous.Equal(entry) || slices.Contains(v.platforms, locked.Platform) {
			platforms = append(platforms, locked.Platform)
		}
	}
	var before *lockfile.Signature
	if previous != nil {
		before = previous.Signature
	}
	return p.o.Verifier.Verify(ctx, Verification{
		Manifest: v.in.manifest, Entry: *entry, Before: before, Rotates: v.rotates(entry.Repository, before), Repository: repo, Platforms: platforms, Again: v.again,
		CheckChain: func(ctx context.Context, signed bool) error {
			return p.checkChain(ctx, *entry, platforms, signed)
		},
	})
}
