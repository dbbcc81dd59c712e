package cli

import (
	"fmt"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins/signed"
)

// accepted are the repositories whose releases a trust rule accepts with no
// signature, as far as this run asked. It is safe for use by several goroutines.
type accepted struct {
	mu    sync.Mutex
	rules map[string]policy.Rule
}

func (c *accepted) add(repository string, rule policy.Rule) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rules == nil {
		c.rules = map[string]policy.Rule{}
	}
	c.rules[repository] = rule
}

// take returns the rule for a repository, once: it is told once.
func (c *accepted) take(repository string) (policy.Rule, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rule, ok := c.rules[repository]
	delete(c.rules, repository)
	return rule, ok
}

// warnAccepted says which drivers were locked or installed with no signature,
// because a rule says unsigned = true.
func (a *app) warnAccepted(lock *lockfile.Lock, changes []lockfile.Change, items []plugins.Synced) {
	var names []string
	for _, c := range changes {
		names = append(names, c.Name)
	}
	for _, it := range items {
		if it.Action != install.Kept && it.Action != "" {
			names = append(names, it.Plugin)
		}
	}
	for _, name := range names {
		entry, ok := lock.Plugin(name)
		if !ok {
			continue
		}
		if rule, ok := a.accepted.take(entry.Repository); ok {
			at := rule.Pos
			at.File = a.ui.Rel(at.File)
			a.ui.Warn("%s", fmt.Sprintf("%s: accepted without a signature: the trust rule for %s (%s) says unsigned", entry.Repository, rule.Scope, at))
		}
	}
}

// warnUnsigned says which drivers a copy holds without the signature that the
// lock names: who installs them under the same rules will be refused.
func (a *app) warnUnsigned(lock *lockfile.Lock, graphs []*transfer.Graph) {
	for _, entry := range lock.Plugins {
		if entry.Signature == nil {
			continue
		}
		i := slices.IndexFunc(graphs, func(g *transfer.Graph) bool { return g.Repository == entry.Repository })
		if i < 0 {
			continue
		}
		for _, root := range signed.Roots(entry) {
			if !signedIn(graphs[i], root) {
				a.ui.Warn("%s", entry.Name+" "+entryVersion(&entry)+": the lock says that it is signed by "+entry.Signature.String()+", and no signature of "+string(root)+" was found to take along")
			}
		}
	}
}

// signedIn tells whether a graph holds anything that refers to a digest, or is
// tagged as its signature.
func signedIn(g *transfer.Graph, root digest.Digest) bool {
	tag := artifact.ReferrersTag(root) + ".sig"
	return slices.ContainsFunc(g.Manifests, func(m transfer.Manifest) bool {
		return m.Subject == root || slices.Contains(m.Tags, tag)
	})
}
