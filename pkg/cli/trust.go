package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/plugins/signed"
)

func (a *app) trustCommand() *cobra.Command {
	cmd := a.command("trust", "Show whose signatures are asked for, and whose there are",
		`Digests say that bytes did not change; signatures say whose they are. Rules
stand in the manifest and in HOME/config.toml as [[trust]] tables, and a release
must satisfy both.`,
		examples(
			"trust list", "the rule that decides on each locked driver",
			"trust show ghcr.io/acme/postgres:0.1.2", "who signed a release, and the rule that would accept it",
			"trust show ghcr.io/acme/postgres:0.1.2 --key db-team.pub", "whether this key did"),
		cobra.ArbitraryArgs, a.onlyHolds)
	cmd.AddCommand(a.trustListCommand(), a.trustShowCommand())
	return cmd
}

func (a *app) trustListCommand() *cobra.Command {
	return a.command("list", "Show the trust rule that decides on each locked driver",
		`One line for each locked driver and file with rules. The state is

  verified    this home has verified the driver under these rules, as locked
  unverified  it has not yet: the next sync does
  unsigned    the rule accepts it with no signature
  refused     the file has rules, and none is for the driver's repository, or
              the locked signer is not one that the rule admits
  no rule     neither file has any: nothing is verified

No registry is asked.`,
		examples(
			"trust list", "every locked driver",
			"trust list -o wide", "with the signers that the rules admit",
			"trust list -o json", "for a script"),
		none, func(*cobra.Command, []string) error { return a.runTrustList() })
}

// trustItem is an item of a TrustList.
type trustItem struct {
	Name       string `json:"name" col:"NAME,name"`
	Version    string `json:"version" col:"VERSION"`
	Scope      string `json:"scope" col:"SCOPE"`
	Rule       string `json:"rule" col:"RULE"` // FILE:LINE, or the file alone where it has none for the repository
	State      string `json:"state" col:"STATE"`
	Signer     string `json:"signer" col:"SIGNER"`
	Repository string `json:"repository" col:"+REPOSITORY"`
	Admits     string `json:"admits" col:"+ADMITS"`

	ref string // to show what there is
}

// The states of a trustItem.
const (
	stateVerified   = "verified"
	stateUnverified = "unverified"
	stateUnsigned   = "unsigned"
	stateRefused    = "refused"
	stateNoRule     = "no rule"
)

func (a *app) runTrustList() error {
	p, err := a.project()
	if err != nil {
		return err
	}
	m, err := p.Manifest()
	if err != nil {
		return err
	}
	lock, err := p.ReadLock()
	if err != nil {
		return err
	}
	if lock == nil {
		return &plugins.StaleError{File: p.LockFile(), Missing: true}
	}
	items, err := a.trustItems(m, lock)
	if err != nil {
		return err
	}
	return a.ui.Print(ui.List("TrustList", "plugin", items))
}

// trustItems tells of each locked driver which rules decide and what is known
// here. It asks no network. Without a manifest m is nil.
func (a *app) trustItems(m *manifest.Manifest, lock *lockfile.Lock) ([]trustItem, error) {
	v, err := a.newVerifier()
	if err != nil {
		return nil, err
	}
	c, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	project := &policy.Policy{}
	if m != nil {
		project = &m.Trust
	}
	items := []trustItem{}
	for _, entry := range lock.Plugins {
		repo, err := a.repository(entry.Repository)
		if err != nil {
			return nil, err
		}
		q := plugins.Verification{Manifest: m, Entry: entry, Repository: repo}
		if locked, ok := entry.Platform(hostPlatform()); ok {
			q.Platforms = append(q.Platforms, locked.Platform)
		}
		ours, machines, err := v.Remembers(q)
		if err != nil && !isRefusal(err) {
			return nil, err
		}
		items = append(items, a.trustItemsOf(entry, []held{{project, ours}, {&c.Trust, machines}})...)
	}
	return items, nil
}

// held is a policy, and whether this home has verified a driver under it.
type held struct {
	*policy.Policy
	known bool
}

func (a *app) trustItemsOf(entry lockfile.Plugin, policies []held) []trustItem {
	base := trustItem{Name: entry.Name, Version: entryVersion(&entry), Repository: entry.Repository}
	base.ref = entry.Repository
	if roots := signed.Roots(entry); len(roots) > 0 {
		base.ref += "@" + string(roots[0])
	}
	if entry.Signature != nil {
		base.Signer = entry.Signature.String()
	}
	var out []trustItem
	for i, p := range policies {
		rule, governed := p.Decide(entry.Repository)
		if !governed {
			continue
		}
		it := base
		if rule == nil {
			it.Rule, it.State = a.ui.Rel(p.File), stateRefused
			out = append(out, it)
			continue
		}
		at := rule.Pos
		at.File = a.ui.Rel(at.File)
		it.Scope, it.Rule, it.Admits = rule.Scope, fmt.Sprintf("%s:%d", at.File, at.Line), admits(rule)
		s := entry.Signature
		switch {
		case rule.Unsigned:
			it.State = stateUnsigned
		case i == 0 && s != nil && !rule.Admits(s.Issuer, s.Identity, s.Key):
			it.State = stateRefused
		case p.known:
			it.State = stateVerified
		default:
			it.State = stateUnverified
		}
		out = append(out, it)
	}
	if len(out) == 0 {
		base.State = stateNoRule
		out = append(out, base)
	}
	return out
}

func admits(r *policy.Rule) string {
	switch {
	case r.Unsigned:
		return "anything"
	case r.Keyless == nil:
		return "keys " + strings.Join(r.Fingerprints, " ")
	}
	return cmp.Or(r.Keyless.Identity, r.Keyless.IdentityRegexp) + " (" + r.Keyless.Issuer + ")"
}
