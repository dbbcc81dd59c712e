package sources

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/doctor"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func trustCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Holds(env.Command{
		Use:   "trust",
		Short: "Inspect trust rules and signatures",
		Long: `Digests say that bytes did not change; signatures say whose they are. Rules
stand as [[trust]] tables in the manifest, in HOME/config.toml and in the config
of this machine's administrator, and a release must satisfy all three.`,
		Examples: []env.Example{
			{"trust list", "the rule that decides on each locked driver"},
			{"trust show ghcr.io/acme/postgres:0.1.2", "who signed a release, and the rule that would accept it"},
			{"trust show ghcr.io/acme/postgres:0.1.2 --key db-team.pub", "whether this key did"},
		},
	}, trustListCommand(e, u), trustShowCommand(e, u))
}

func trustListCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Command(env.Command{
		Use:   "list",
		Short: "Show the trust rule that decides on each locked driver",
		Long: `One line for each locked driver and file with rules. The state is

  verified    this home has verified the driver under these rules, as locked
  unverified  it has not yet: the next sync does
  unsigned    the rule accepts it with no signature
  refused     the file has rules, and none is for the driver's repository, or
              the locked signer is not one that the rule admits
  no rule     no file has any: nothing is verified

No registry is asked.`,
		Examples: []env.Example{
			{"trust list", "every locked driver"},
			{"trust list -o wide", "with the signers that the rules admit"},
			{"trust list -o json", "for a script"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run:      func(*cobra.Command, []string) error { return runTrustList(e, u) },
	})
}

// trustItem is an item of a TrustList.
type trustItem struct {
	Name       string `json:"name" col:"NAME,name"`
	Version    string `json:"version" col:"VERSION"`
	Scope      string `json:"scope" col:"SCOPE"`
	Rule       string `json:"rule" col:"RULE"` // FILE:LINE, or the file alone if it has none for the repository
	State      string `json:"state" col:"STATE"`
	Signer     string `json:"signer" col:"SIGNER"`
	Repository string `json:"repository" col:"+REPOSITORY"`
	Admits     string `json:"admits" col:"+ADMITS"`
}

func runTrustList(e *env.Env, u *ui.UI) error {
	p, err := e.Project()
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
		return &project.StaleError{File: p.LockFile(), Missing: true}
	}
	o, err := e.Examination()
	if err != nil {
		return err
	}
	trusted, err := doctor.Trust(m, lock, o)
	if err != nil {
		return err
	}
	var items []trustItem
	for _, t := range trusted {
		items = append(items, trustItemOf(u, t))
	}
	return u.Print(ui.List("TrustList", "plugin", items))
}

func trustItemOf(u *ui.UI, t doctor.Trusted) trustItem {
	it := trustItem{Name: t.Entry.Name, Version: ui.Locked(&t.Entry), Repository: t.Entry.Repository, Rule: u.Rel(t.File), State: string(t.State)}
	if t.Entry.Signature != nil {
		it.Signer = t.Entry.Signature.String()
	}
	switch {
	case t.State == doctor.NoRule:
		it.Rule = ""
	case t.Rule != nil:
		it.Scope, it.Rule, it.Admits = t.Rule.Scope, fmt.Sprintf("%s:%d", u.Rel(t.Rule.Pos.File), t.Rule.Pos.Line), admits(t.Rule)
	}
	return it
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
