package cli

import (
	"errors"
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
)

// trustHints are those about signatures, rules and keys.
func (a *app) trustHints(err error) []string {
	me := a.displayName()
	var (
		signer *plugins.SignerError
		scope  *trust.ScopeError
		root   *trust.RootError
		key    *trust.KeyError
		bad    *trust.RefusedError
		stated *artifact.StatedError
	)
	switch {
	case errors.As(err, &stated):
		return []string{
			"somebody gave a signed release a tag that is not its own; ask the publisher, and take another version: " + me + " versions " + stated.Name,
		}
	case errors.As(err, &bad):
		return a.refusedHints(bad)
	case errors.As(err, &scope):
		ref := scope.Repository + ":TAG"
		if scope.Digest != "" {
			ref = scope.Repository + "@" + string(scope.Digest)
		}
		return []string{fmt.Sprintf("see who signs it, and add a rule for it to %s: %s trust show %s", a.ui.Rel(scope.File), me, ref)}
	case errors.As(err, &signer):
		if signer.Merging {
			return []string{
				"ask the publisher, by another way than the registry, whether that is right",
				fmt.Sprintf("then take one side (git checkout --ours, or --theirs, of the lock), and for another signer than it names: %s update --accept-signer %s", me, signer.Name),
			}
		}
		if !signer.Moved {
			return []string{
				"compare the lock with its history: nobody but " + me + " should have written that signer",
				fmt.Sprintf("where the signer was changed on purpose: %s update --accept-signer %s", me, signer.Name),
			}
		}
		return []string{
			"ask the publisher, by another way than the registry, whether that is right",
			fmt.Sprintf("then: %s update --accept-signer %s", me, signer.Name),
		}
	case errors.As(err, &root):
		switch {
		case root.File != "":
			return []string{"take trusted-root from who runs that Sigstore: a trusted_root.json"}
		case root.Offline:
			return []string{
				"fetch it once with a network: " + me + " verify --remote, without --offline",
				"or give the file: keyless = { …, trusted-root = \"trusted_root.json\" }",
			}
		}
		return []string{"check the network; --offline takes the root that is cached; or give the file: keyless = { …, trusted-root = \"trusted_root.json\" }"}
	case errors.As(err, &key) && key.Locked:
		return []string{"set COSIGN_PASSWORD, or leave it unset and be asked"}
	case errors.As(err, &key) && key.Foreign:
		return []string{
			fmt.Sprintf("decrypt it: openssl pkcs8 -topk8 -nocrypt -in %s -out plain.key", a.ui.Rel(key.File)),
			"or let cosign encrypt it: cosign import-key-pair --key plain.key",
		}
	case errors.As(err, &key):
		return []string{"make a pair: cosign generate-key-pair"}
	}
	return nil
}

func (a *app) refusedHints(e *trust.RefusedError) []string {
	me := a.displayName()
	show := fmt.Sprintf("see all that is there: %s trust show %s@%s", me, e.Repository, e.Digest)
	switch e.Reason {
	case trust.Unsigned:
		return []string{
			"a mirror or bundle may lack signatures that the origin has; " + show,
			"to accept it with no signature, give it a rule of its own: [[trust]] scope = \"" + e.Repository + "\", unsigned = true",
		}
	case trust.OtherSigner:
		return []string{show + ", with the [[trust]] table that would accept it", "ask the publisher, by another way than the registry, whether that signer is right"}
	case trust.Disagreement:
		return []string{"ask the publisher to sign every platform with one key; " + show}
	case trust.Expired:
		return []string{"ask the publisher to sign it again, with a timestamp or a log entry; " + show}
	case trust.NoProof:
		return []string{"ask the publisher to sign it again, with the transparency log; " + show}
	}
	return []string{show, "if it was good before, the registry does not hold what was published: tell its owner"}
}
