package plugins

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// Verifier holds what lock entries pin against trust rules: the project's, and
// whichever others it knows.
type Verifier interface {
	// Verify returns who signed an entry, of those whom the project's rules admit;
	// nil where they ask for nobody. It is called from several goroutines. Errors:
	// *RefusedError where a rule is not satisfied; any other means that nothing
	// can be said.
	Verify(ctx context.Context, v Verification) (*lockfile.Signature, error)
}

// Verification is a question to a Verifier.
type Verification struct {
	Manifest   *manifest.Manifest  // whose trust rules are the project's; nil where there is none
	Entry      lockfile.Plugin     // its Signature is what the lock says of this very content, nil for nothing
	Repository registry.Repository // where the entry's content and signatures are
	Platforms  []artifact.Platform // those that matter now, of the entry's

	// CheckChain holds the chain from what is signed to the layers of Platforms
	// against the repository.
	CheckChain func(ctx context.Context) error
	// Again asks for everything anew, whatever is remembered.
	Again bool
}

// RefusedError says that a driver does not satisfy a trust rule.
type RefusedError struct {
	Name string
	Err  error
}

func (e *RefusedError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap returns what the Verifier found.
func (e *RefusedError) Unwrap() error { return e.Err }

// SignerError says that a driver would come from another signer than is locked,
// though the rules may admit both. A lock goes from one to another, or to none,
// only where somebody says so.
type SignerError struct {
	Name          string
	Locked, Found *lockfile.Signature // Found is nil where no rule asks for one any more
	Moved         bool                // to other content; else the lock is wrong about what it has
}

func (e *SignerError) Error() string {
	switch {
	case e.Found == nil:
		return fmt.Sprintf("%s: is locked as signed by %s, and no trust rule asks who signed what would replace it", e.Name, signerText(e.Locked))
	case e.Moved:
		return fmt.Sprintf("%s: is locked as signed by %s, and what would replace it is signed by %s", e.Name, signerText(e.Locked), signerText(e.Found))
	}
	return fmt.Sprintf("%s: is locked as signed by %s, and it is signed by %s", e.Name, signerText(e.Locked), signerText(e.Found))
}

func signerText(s *lockfile.Signature) string {
	if s.Key != "" {
		return "key " + s.Key
	}
	return s.Identity + " (" + s.Issuer + ")"
}

// NoVerifierError says that a manifest has trust rules and the program was
// built without what verifies signatures.
type NoVerifierError struct{ File string }

func (e *NoVerifierError) Error() string {
	return e.File + ": has trust rules, and this program cannot verify signatures"
}

// vetting is how a lock is held against trust rules.
type vetting struct {
	in        *inputs
	frozen    bool                // the lock is not changed
	again     bool                // nothing remembered counts
	keep      bool                // an entry whose successor is refused stays as it is locked
	accept    []string            // drivers that may have another signer than is locked
	platforms []artifact.Platform // of entries that are not new, those that matter; nil: all
}

// verify holds every entry of a result against the trust rules and records who
// signed it. refused is why entries were kept as they are locked.
func (p *Project) verify(ctx context.Context, result *resolve.Result, v vetting) (refused []error, err error) {
	entries := result.Lock.Plugins
	verdicts := make([]error, len(entries))
	err = each(ctx, len(entries), func(ctx context.Context, i int) error {
		err := p.vet(ctx, &entries[i], v)
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
		previous, ok := v.in.lock.Plugin(entries[i].Name)
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
	if len(refused) > 0 && (join(verdicts) != nil || len(resolve.Stale(v.in.manifest, result.Lock, p.o.Override)) > 0) {
		return nil, join(refused)
	}
	return refused, nil
}

// vet holds one entry against the trust rules. What it comes with as a
// signature is what the lock says of the same content.
func (p *Project) vet(ctx context.Context, entry *lockfile.Plugin, v vetting) error {
	previous, _ := v.in.lock.Plugin(entry.Name)
	found, err := p.signer(ctx, entry, previous, v)
	if err != nil {
		return err
	}
	var was *lockfile.Signature
	if previous != nil {
		was = previous.Signature
	}
	accepted := slices.Contains(v.accept, entry.Name)
	if v.in.manifest == nil {
		return p.ungoverned(entry, was, accepted)
	}
	rule, governed := v.in.manifest.Trust.Decide(entry.Repository)
	if !governed || rule == nil {
		return p.ungoverned(entry, was, accepted)
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
		other = !found.SameSigner(was) && (was.Key == "" || !admitted(was))
	}
	if other && !accepted {
		return &SignerError{Name: entry.Name, Locked: was, Found: found, Moved: entry.Signature == nil}
	}
	if !v.frozen {
		entry.Signature = found
	}
	return nil
}

// ungoverned is vet where the project has no rules: what bears a signature is
// not moved to other content.
func (p *Project) ungoverned(entry *lockfile.Plugin, was *lockfile.Signature, accepted bool) error {
	if was != nil && entry.Signature == nil && !accepted {
		return &SignerError{Name: entry.Name, Locked: was, Moved: true}
	}
	return nil
}

// signer asks the Verifier who signed an entry.
func (p *Project) signer(ctx context.Context, entry, previous *lockfile.Plugin, v vetting) (*lockfile.Signature, error) {
	if p.o.Verifier == nil {
		if v.in.manifest != nil {
			if _, governed := v.in.manifest.Trust.Decide(entry.Repository); governed {
				return nil, &NoVerifierError{v.in.manifest.File}
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
	return p.o.Verifier.Verify(ctx, Verification{
		Manifest: v.in.manifest, Entry: *entry, Repository: repo, Platforms: platforms, Again: v.again,
		CheckChain: func(ctx context.Context) error { return p.checkChain(ctx, *entry, platforms) },
	})
}
