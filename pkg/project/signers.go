package project

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// Verifier checks what lock entries pin against trust rules: the project's, and
// whichever others it knows.
type Verifier interface {
	// Verify returns who signed an entry, of those whom the project's rules admit;
	// nil if they ask for nobody. It is called from several goroutines. Errors:
	// *RefusedError if a rule is not satisfied; any other means that nothing
	// can be said.
	Verify(ctx context.Context, v Verification) (*lockfile.Signature, error)
}

// Verification is a question to a Verifier.
type Verification struct {
	Manifest   *manifest.Manifest  // whose trust rules are the project's; nil if there is none
	Entry      lockfile.Plugin     // its Signature is what the lock says of this very content, nil for nothing
	Before     *lockfile.Signature // who signed what the entry replaces, preferred to others who signed it too; nil for nobody
	Repository registry.Repository // where the entry's content and signatures are
	Platforms  []artifact.Platform // those that matter now, of the entry's

	// Rotates: the rule admits Before's key still, and whichever other it lists may
	// take its place.
	Rotates bool

	// CheckChain holds the chain from what is signed to the layers of Platforms
	// against the repository, and where a signature is asked for also what the release
	// states of itself: a signature is of no other version.
	CheckChain func(ctx context.Context, signed bool) error
	// Again asks for everything again, whatever is remembered.
	Again bool
}

// RefusedError says that a driver does not satisfy a trust rule.
type RefusedError struct {
	Name string
	Err  error
}

func (e *RefusedError) Error() string    { return e.Name + ": " + e.Err.Error() }
func (e *RefusedError) Kind() fault.Kind { return fault.Integrity }

// Unwrap returns what the Verifier found.
func (e *RefusedError) Unwrap() error { return e.Err }

// SignerError says that a driver would come from another signer than is locked,
// though the rules may admit both. A lock goes from one to another, or to none,
// only if somebody says so.
type SignerError struct {
	Name          string
	Locked, Found *lockfile.Signature // Found is nil if no rule asks for one any more
	Moved         bool                // to other content; else the lock is wrong about what it has
	Merging       bool                // two locks; Locked is what ours says
}

func (e *SignerError) Error() string {
	switch {
	case e.Found == nil:
		return fmt.Sprintf("%s: is locked as signed by %s, and no trust rule asks who signed what would replace it", e.Name, e.Locked)
	case e.Moved:
		return fmt.Sprintf("%s: is locked as signed by %s, and what would replace it is signed by %s", e.Name, e.Locked, e.Found)
	}
	return fmt.Sprintf("%s: is locked as signed by %s, and it is signed by %s", e.Name, e.Locked, e.Found)
}

func (e *SignerError) Kind() fault.Kind { return fault.Integrity }

// NoVerifierError says that a trust rule asks for a signature, or admits nothing
// of a repository, and the program was built without what verifies signatures.
type NoVerifierError struct{ File, Repository string }

func (e *NoVerifierError) Error() string {
	return e.Repository + ": the trust rules in " + e.File + " ask for a signature, and this program cannot verify signatures"
}

func (e *NoVerifierError) Kind() fault.Kind { return fault.Integrity }

// signerCheck is how a lock is checked against trust rules.
type signerCheck struct {
	in          *inputs
	part        *lockfile.Lock      // what is installed of the lock: the rest counts where it is new; nil: all
	frozen      bool                // the lock is not changed
	ignoreCache bool                // nothing remembered counts
	onlyChanged bool                // only what the lock does not say already
	conflicts   []string            // with a merge: only these are verified, the others are as a side wrote them; nil: all
	keepRefused bool                // an entry whose successor is refused stays as it is locked
	acceptNew   []string            // drivers that may have another signer than is locked
	platforms   []artifact.Platform // of entries that are not new, those that matter; nil: all
}

// CheckTrust holds a lock against the trust rules, as a sync of it does that takes it
// as it is. Errors: *RefusedError and *SignerError, joined; the Verifier's; those of
// reading the manifest.
func (p *Project) CheckTrust(ctx context.Context, l *lockfile.Lock, platforms []artifact.Platform) error {
	in, err := p.load(nil, true)
	if err != nil {
		return err
	}
	in.lock, in.before = l, l
	_, err = p.checkSigners(ctx, &resolve.Result{Lock: l.Clone()}, signerCheck{in: in, frozen: true, platforms: platforms})
	return err
}

// checkSigners checks every entry of a result against the trust rules and records who
// signed it. refused is why entries were kept as they are locked.
func (p *Project) checkSigners(ctx context.Context, result *resolve.Result, v signerCheck) (refused []error, err error) {
	entries := result.Lock.Plugins
	verdicts := make([]error, len(entries))
	err = parallel.Each(ctx, len(entries), maxRequests, func(i int) error {
		err := p.checkSigner(ctx, &entries[i], v)
		if errors.As(err, new(*RefusedError)) || errors.As(err, new(*SignerError)) {
			verdicts[i] = err
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, verdict := range verdicts {
		if verdict == nil {
			continue
		}
		refused = append(refused, verdict)
		previous, ok := v.in.before.Plugin(entries[i].Name)
		if !v.keepRefused || !ok || previous.Equal(&entries[i]) {
			continue
		}
		kept := previous.Clone()
		if err := p.checkSigner(ctx, &kept, v); err != nil {
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

// checkSigner checks one entry against the trust rules. What it comes with as a
// signature, or what is locked with the same content, is what the lock says of
// it.
func (p *Project) checkSigner(ctx context.Context, entry *lockfile.Plugin, v signerCheck) error {
	previous, _ := v.in.before.Plugin(entry.Name)
	if v.onlyChanged && v.recorded(previous, entry) {
		return nil
	}
	if v.part != nil && previous != nil && previous.Equal(entry) {
		if _, installed := v.part.Plugin(entry.Name); !installed {
			return nil
		}
	}
	var was *lockfile.Signature
	if previous != nil && previous.Signature != nil {
		signature := *previous.Signature
		was = &signature
	}
	same := previous != nil && resolve.SameContent(previous, entry)
	if same && entry.Signature == nil && !v.frozen {
		entry.Signature = was
	}
	if v.conflicts != nil && !slices.Contains(v.conflicts, entry.Name) {
		return v.checkMerged(entry, was, same)
	}
	found, err := p.askVerifier(ctx, entry, previous, v)
	if err != nil {
		return err
	}
	accepted := slices.Contains(v.acceptNew, entry.Name)
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
		other = !found.SameSigner(was) && !v.sameKeyRule(entry.Repository, was)
	}
	if other && !accepted {
		return &SignerError{Name: entry.Name, Locked: cmp.Or(entry.Signature, was), Found: found, Moved: entry.Signature == nil, Merging: v.in.merged}
	}
	if !v.frozen {
		entry.Signature = found
	}
	return nil
}

// checkMerged compares what a merge took from the other side with what ours had,
// asking nobody: git may not have merged the rules yet, and a sync verifies it.
// A signature is not lost, and not another's, without a word.
func (v *signerCheck) checkMerged(entry *lockfile.Plugin, was *lockfile.Signature, same bool) error {
	rule, _ := v.manifest().Trust.Decide(entry.Repository)
	s := entry.Signature
	switch {
	case was == nil, same, rule != nil && rule.Unsigned:
		return nil
	case s != nil && (s.SameSigner(was) || v.sameKeyRule(entry.Repository, was) && v.sameKeyRule(entry.Repository, s)):
		return nil
	}
	return &SignerError{Name: entry.Name, Locked: was, Found: s, Moved: true, Merging: true}
}

// sameKeyRule reports whether a rule lists the key of a signature: another of its keys
// may then take that one's place.
func (v *signerCheck) sameKeyRule(repository string, s *lockfile.Signature) bool {
	rule, _ := v.manifest().Trust.Decide(repository)
	return rule != nil && s != nil && s.Key != "" && rule.Admits("", "", s.Key)
}

// manifest returns the manifest, an empty one if there is none.
func (v *signerCheck) manifest() *manifest.Manifest {
	if v.in.manifest == nil {
		return &manifest.Manifest{}
	}
	return v.in.manifest
}

// recorded reports whether the lock has an entry already, with the signature that the
// project asks for. Whether that is there, is for a sync to see.
func (v *signerCheck) recorded(previous, entry *lockfile.Plugin) bool {
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

// asking returns the first of the project's and the machine's policies that asks for
// a signature in a repository, or admits none there; nil for none. m may be nil.
func (o Options) asking(m *manifest.Manifest, repository string) *policy.Policy {
	rules := o.Machine
	if m != nil {
		rules = append([]*policy.Policy{&m.Trust}, rules...)
	}
	for _, p := range rules {
		if rule, governed := p.Decide(repository); governed && (rule == nil || !rule.Unsigned) {
			return p
		}
	}
	return nil
}

// askVerifier asks the Verifier who signed an entry.
func (p *Project) askVerifier(ctx context.Context, entry, previous *lockfile.Plugin, v signerCheck) (*lockfile.Signature, error) {
	if p.o.Verifier == nil {
		if rules := p.o.asking(v.manifest(), entry.Repository); rules != nil {
			return nil, &NoVerifierError{File: rules.File, Repository: entry.Repository}
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
		Manifest: v.in.manifest, Entry: *entry, Before: before, Rotates: v.sameKeyRule(entry.Repository, before), Repository: repo, Platforms: platforms, Again: v.ignoreCache,
		CheckChain: func(ctx context.Context, signed bool) error {
			return p.checkChain(ctx, *entry, platforms, signed)
		},
	})
}
