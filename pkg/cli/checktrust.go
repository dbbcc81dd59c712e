package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

// trust tells what the next sync will say of signatures, as far as the lock and
// this home's memory know: no registry is asked.
func (c *checkup) trust(p *plugins.Project, lock *lockfile.Lock) error {
	if lock == nil {
		return nil
	}
	m, err := manifest.Load(p.ManifestFile())
	if errors.Is(err, fs.ErrNotExist) {
		m, err = nil, nil
	}
	if err != nil {
		return err
	}
	items, err := c.a.trustItems(m, lock)
	if err != nil {
		return err
	}
	for _, it := range items {
		what := fmt.Sprintf("%s, by %s", it.Name, it.Rule)
		switch it.State {
		case stateVerified:
			c.add(findOK, "trust", what, "verified here", "")
		case stateUnverified:
			c.add(findOK, "trust", what, "not yet verified here: the next sync does", "")
		case stateUnsigned:
			c.add(findOK, "trust", what, "accepted unsigned", "")
		case stateRefused:
			text := "the next sync refuses it: its repository is in the scope of no rule"
			if it.Scope != "" {
				text = "the next sync refuses it, unless the rule's signers sign it: it is locked as signed by " + it.Signer
			}
			c.add(findAdvice, "trust", what, text, c.a.displayName()+" trust show "+it.ref)
		}
	}
	return nil
}
