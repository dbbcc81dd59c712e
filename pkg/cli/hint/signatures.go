package hint

import (
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
)

const askPublisher = "confirm it with the publisher through another channel"

// signatures are the errors about signatures, rules and keys.
func signatures() section {
	return section{title: "Trust", intro: `[trust.md](trust.md) explains rules and signatures; ` + "`plugin trust show REF`" + ` lists
all that there is of a release.`, rows: []row{
		on(func(c Context, e *artifact.StatedError) []string {
			return []string{"somebody gave a signed release a tag that is not its own; ask the publisher, and take another version: " + c.Name + " versions " + e.Name}
		}, told("`the release states that it is …`", "A signed release stands under a tag, or in a lock, that is not its own: ask the publisher, and take another version. Without a trust rule it is a warning", fault.Integrity)),
		on(refusedHints,
			told("`has no signature, and the trust rule … asks for one`", "A mirror or bundle may have lost it: see whether the origin has one. To accept it as it is, a rule of its own with `unsigned = true`", fault.Integrity),
			told("`is signed by someone other than the trust rule … admits`", "`plugin trust show REF` prints the rule that would accept it; ask the publisher, by another way, whether that is right", fault.Integrity),
			told("`its signature has expired`, `comes without the proof`", "The publisher must sign it again, with a log entry or a timestamp", fault.Integrity)),
		on(func(c Context, e *trust.ScopeError) []string {
			ref := e.Repository + ":TAG"
			if e.Digest != "" {
				ref = e.Repository + "@" + string(e.Digest)
			}
			return []string{fmt.Sprintf("see who signs it, and add a rule for it to %s: %s trust show %s", c.Rel(e.File), c.Name, ref)}
		}, told("`is in the scope of no trust rule`", "If a file has rules, every repository needs one: add it", fault.Integrity)),
		on(func(c Context, e *project.SignerError) []string {
			switch {
			case e.Merging:
				return []string{askPublisher, fmt.Sprintf("then take one side (git checkout --ours, or --theirs, of the lock), and for another signer than it names: %s update --accept-signer %s", c.Name, e.Name)}
			case !e.Moved:
				return []string{
					"compare the lock with its history: nobody but " + c.Name + " should have written that signer",
					fmt.Sprintf("where the signer was changed on purpose: %s update --accept-signer %s", c.Name, e.Name),
				}
			}
			return []string{askPublisher, fmt.Sprintf("then: %s update --accept-signer %s", c.Name, e.Name)}
		}, told("`is locked as signed by …`", "Find out why the signer changed; `plugin update --accept-signer NAME` takes the new one", fault.Integrity)),
		on(func(c Context, e *trust.RootError) []string {
			switch {
			case e.File != "":
				return []string{"take trusted-root from who runs that Sigstore: a trusted_root.json"}
			case e.Offline:
				return []string{
					"fetch it once with a network: " + c.Name + " verify --remote, without --offline",
					"or give the file: keyless = { …, trusted-root = \"trusted_root.json\" }",
				}
			}
			return []string{"check the network; --offline takes the root that is cached; or give the file: keyless = { …, trusted-root = \"trusted_root.json\" }"}
		}, told("`trusted root of sigstore.dev: is not cached`", "`plugin verify --remote` once with a network, or a rule with `trusted-root`", fault.Failure)),
		on(func(c Context, e *trust.KeyError) []string {
			switch {
			case e.Locked:
				return []string{"set COSIGN_PASSWORD, or leave it unset and be asked"}
			case e.Foreign:
				return []string{
					fmt.Sprintf("decrypt it: openssl pkcs8 -topk8 -nocrypt -in %s -out plain.key", c.Rel(e.File)),
					"or let cosign encrypt it: cosign import-key-pair --key plain.key",
				}
			}
			return []string{"make a pair: cosign generate-key-pair"}
		}, told("`its password is wrong, or it is damaged`", "`COSIGN_PASSWORD` is the password of the key; unset, it is asked for", fault.Failure)),
	}}
}

func refusedHints(c Context, e *trust.RefusedError) []string {
	show := fmt.Sprintf("see all that is there: %s trust show %s@%s", c.Name, e.Repository, e.Digest)
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
