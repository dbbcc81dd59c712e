package sources

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/trust"
)

func trustShowCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var key string
	cmd := e.Command(env.Command{
		Use:   "show REF",
		Short: "Show every signature and attestation of a release",
		Long: `REF is HOST/PATH:TAG or HOST/PATH@DIGEST. Each signature is checked against the
rule that decides on the repository, or, if there is none, against what it
says of itself: --key FILE tries a public key, and keyless ones are verified
with the public good instance. The [[trust]] table at the end would accept what
is there, or with one of its comments in the place of its last line; whether
that is whom you mean only you can say.`,
		Examples: []env.Example{
			{"trust show docker.io/schemahero/plugin-postgres:0.1.2", "who signed a release"},
			{"trust show registry.internal/db/oracle:1.0.0 --key db-team.pub", "whether a key did"},
			{"trust show ghcr.io/acme/postgres:0.1.2 -o json", "for a script"},
		},
		Complete: complete.Releases(e),
		Args:     env.Exactly(1, "REF"),
		Run: func(cmd *cobra.Command, args []string) error {
			return hint.Online(runTrustShow(cmd.Context(), e, u, args[0], key))
		},
	})
	cmd.Flags().StringVar(&key, "key", "", "public key, PEM, to try")
	return cmd
}

// signatureItem is an item of a SignatureList.
type signatureItem struct {
	signer    string `col:"SIGNER"`
	Form      string `json:"form" col:"FORM"`
	Time      string `json:"time" col:"TIME"`
	state     string `col:"STATE"`
	Manifest  string `json:"manifest" col:"+MANIFEST,name"`
	Type      string `json:"type" col:"+TYPE"`
	Predicate string `json:"predicateType"`
	Issuer    string `json:"issuer"`
	Identity  string `json:"identity"`
	Key       string `json:"key"`
	Verified  bool   `json:"verified"`
	Reason    string `json:"reason"`
}

func runTrustShow(ctx context.Context, e *env.Env, u *ui.UI, ref, key string) error {
	repository, reference, err := env.SplitReference(ref)
	if err != nil {
		return err
	}
	repo, err := e.Repository(repository)
	if err != nil {
		return err
	}
	rule, err := ruleFor(e, repo.Name(), key)
	if err != nil {
		return err
	}
	// Read, and not only resolved: what is not there is not signed either, but
	// that is not what to say of it.
	desc, _, err := repo.Manifest(ctx, reference)
	if err != nil {
		return err
	}
	v, _, err := e.Trust()
	if err != nil {
		return err
	}
	found, err := v.Inspect(ctx, repo, desc.Digest, rule)
	if err != nil {
		return err
	}
	withdrawals, err := withdrawalsOf(ctx, e, repo.Name(), desc.Digest)
	if err != nil {
		return err
	}
	return printSignatures(e, u, repo.Name(), desc.Digest, found, withdrawals, rule)
}

// withdrawalsOf returns what withdraws a digest, counted or not under the rules of
// manifest and config.
func withdrawalsOf(ctx context.Context, e *env.Env, repository string, d digest.Digest) (map[digest.Digest]artifact.Withdrawal, error) {
	o, err := e.Options()
	if err != nil {
		return nil, err
	}
	o.Source = e.Repository
	m, err := e.OwnManifest()
	if err != nil {
		return nil, err
	}
	all, err := o.Withdrawals(ctx, m, manifest.NameIn(repository), repository, d)
	out := map[digest.Digest]artifact.Withdrawal{}
	for _, w := range all {
		out[w.Manifest] = w
	}
	return out, err
}

// withdrawalText is what a withdrawal says, and whether it counts.
func withdrawalText(w artifact.Withdrawal) string {
	if w.Refused != nil {
		return strings.TrimPrefix(w.Reason+": not counted: ", ": ") + w.Refused.Error()
	}
	return w.String()
}

// ruleFor returns by which rule each signature of a repository is shown.
func ruleFor(e *env.Env, repository, key string) (func(trust.Finding) *policy.Rule, error) {
	if key != "" {
		r, err := trust.KeyRule(e.Abs(key))
		return func(trust.Finding) *policy.Rule { return r }, err
	}
	m, err := e.OwnManifest()
	if err != nil {
		return nil, err
	}
	var own *policy.Policy
	if m != nil {
		own = &m.Trust
	}
	c, err := e.Config()
	if err != nil {
		return nil, err
	}
	rules, err := trust.Decide(repository, own, c.Trust)
	if err != nil && !env.IsRefusal(err) {
		return nil, err
	}
	for _, r := range rules {
		if !r.Unsigned {
			return func(trust.Finding) *policy.Rule { return r }, nil
		}
	}
	return func(f trust.Finding) *policy.Rule {
		if f.Signer.Identity == "" {
			return nil // nothing says which key to take
		}
		return &policy.Rule{Scope: repository, Keyless: &policy.Keyless{Issuer: f.Signer.Issuer, Identity: f.Signer.Identity}}
	}, nil
}

func printSignatures(e *env.Env, u *ui.UI, repository string, d digest.Digest, found []trust.Finding, withdrawals map[digest.Digest]artifact.Withdrawal, rule func(trust.Finding) *policy.Rule) error {
	items := []signatureItem{}
	for _, f := range found {
		it := signatureItem{
			Manifest: string(f.Manifest), Form: cmp.Or(string(f.Form), "other"), Type: f.Type, Predicate: f.Predicate,
			Issuer: f.Signer.Issuer, Identity: f.Signer.Identity, Key: f.Signer.Key, Time: ui.Time(f.Time),
			Verified: f.Verified, Reason: reasonText(f),
		}
		w, withdraws := withdrawals[f.Manifest]
		if withdraws {
			it.Form, it.Type, it.Reason = "withdrawal", artifact.TypeLifecycle, withdrawalText(w)
		}
		it.state = stateText(it)
		if !f.Signer.IsZero() {
			it.signer = f.Signer.String()
		}
		items = append(items, it)
	}
	v := ui.List("SignatureList", "signature", items)
	v.Text = func(w ui.Lines) {
		w.Line("%s", repository+"@"+string(d))
		if len(found) == 0 {
			w.Line("nothing refers to it: it is not signed")
		}
		for _, f := range found {
			if by, ok := withdrawals[f.Manifest]; ok {
				w.Line("  %s (withdrawal): %s", f.Manifest, withdrawalText(by))
				continue
			}
			w.Line("  %s", f.String())
			if !f.Time.IsZero() {
				w.Line("    at %s", ui.Time(f.Time))
			}
		}
		if block := policy.Accept(repository, seen(e, found, rule)); block != "" {
			w.Line("")
			w.Text(block)
		}
	}
	return u.Print(v)
}

func reasonText(f trust.Finding) string {
	switch {
	case f.Reason != "" && f.Err != nil:
		return string(f.Reason) + ": " + f.Err.Error()
	case f.Err != nil:
		return f.Err.Error()
	}
	return string(f.Reason)
}

func stateText(it signatureItem) string {
	switch {
	case it.Verified && it.Reason != "":
		return it.Reason + ", verified"
	case it.Verified:
		return "verified"
	case it.Form == "withdrawal":
		return it.Form
	case it.Reason != "":
		reason, _, _ := strings.Cut(it.Reason, ":")
		return reason
	case it.Form == "other":
		return "no signature"
	}
	return "not verified"
}

// seen is what was found that a trust rule could accept.
func seen(e *env.Env, found []trust.Finding, rule func(trust.Finding) *policy.Rule) []policy.Seen {
	var out []policy.Seen
	for _, f := range found {
		// Of attestations those that say how it was built.
		built := f.Predicate == policy.Provenance
		if f.Signer.IsZero() || f.Form == trust.FormOther || f.Reason != "" && f.Reason != trust.OtherSigner && !(built && f.Reason == trust.Attestation) {
			continue
		}
		r := rule(f)
		s := policy.Seen{
			Issuer: f.Signer.Issuer, Identity: f.Signer.Identity, Key: f.Signer.Key, KeyFile: keyFile(e, f.Signer.Key, r),
			Verified: f.Verified, Tried: f.Verified || f.Reason != "",
		}
		if built {
			s.Attestation = f.Predicate
		}
		if r != nil && r.Keyless != nil && r.Keyless.TrustedRoot != "" {
			s.TrustedRoot = besideManifest(e, r.Keyless.TrustedRoot)
		}
		out = append(out, s)
	}
	return out
}

// keyFile returns the file of a key that a rule lists, "" for one that it does
// not.
func keyFile(e *env.Env, print string, r *policy.Rule) string {
	if r == nil {
		return ""
	}
	if i := slices.Index(r.Fingerprints, print); i >= 0 {
		return besideManifest(e, r.Keys[i])
	}
	return ""
}

// besideManifest returns a path as a manifest here would name it.
func besideManifest(e *env.Env, path string) string {
	dir := e.Directory
	if file, err := e.ManifestFile(); err == nil {
		dir = filepath.Dir(file)
	}
	if r, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(r) {
		return filepath.ToSlash(r)
	}
	return filepath.ToSlash(path)
}
