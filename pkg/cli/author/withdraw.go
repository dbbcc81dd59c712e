package author

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/publish"
)

// withdrawFlags are what withdraw is told besides the release.
type withdrawFlags struct {
	reason, replacement string
	undo                bool
	signing             env.Signing
}

func withdrawCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var w withdrawFlags
	cmd := e.Command(env.Command{
		Use:   "withdraw REF --reason TEXT",
		Short: "Say that a release is not to be taken any more",
		Long: `REF is HOST/PATH:TAG or HOST/PATH@DIGEST. Nothing is deleted: who has locked the
release keeps it, and is told by outdated, versions, verify --remote and doctor.
lock, add and update pass it over, and why says so, with the reason.

It is said by a manifest that refers to the release, as .NET's images have one.
Under a trust rule it counts only if the rule's signer signed it: --sign --key
FILE, or cosign sign on the digest that is printed.

--undo takes it back: the manifest is deleted, or the fallback tag no longer
lists it if the registry has no referrers API. Mirrors and bundles that
carried it along keep it.`,
		Examples: []env.Example{
			{"withdraw ghcr.io/acme/schemahero/postgres:0.1.2 --reason 'loses rows on rename' --replacement 0.1.3", "and say what to take in its place"},
			{"withdraw ghcr.io/acme/schemahero/postgres:0.1.2 --reason 'loses rows on rename' --sign --key cosign.key", "for who has a trust rule"},
			{"withdraw ghcr.io/acme/schemahero/postgres:0.1.2 --undo", "it was fine after all"},
		},
		Complete: complete.Releases(e),
		Args:     env.Exactly(1, "REF"),
		Run:      func(cmd *cobra.Command, args []string) error { return runWithdraw(cmd.Context(), e, u, args[0], w) },
	})
	f := cmd.Flags()
	f.StringVar(&w.reason, "reason", "", "why, in a line")
	f.StringVar(&w.replacement, "replacement", "", "the version to take in its place")
	f.BoolVar(&w.undo, "undo", false, "take it back")
	w.signing.Flags(f)
	f.Lookup("sign").Usage = "sign it with --key"
	for _, flag := range []string{"reason", "replacement", "sign", "key"} {
		cmd.MarkFlagsMutuallyExclusive("undo", flag)
	}
	return cmd
}

// withdrawnItem is an item of a WithdrawalList: a manifest that was withdrawn.
type withdrawnItem struct {
	Repository  string `json:"repository" col:"REPOSITORY"`
	Digest      string `json:"digest" col:"DIGEST"`
	Date        string `json:"date" col:"DATE"`
	Reason      string `json:"reason" col:"REASON"`
	Replacement string `json:"replacement" col:"REPLACEMENT"`
	Manifest    string `json:"manifest" col:"+MANIFEST,name"`
	Undone      bool   `json:"undone"`
	Kept        bool   `json:"kept"`
}

func runWithdraw(ctx context.Context, e *env.Env, u *ui.UI, ref string, f withdrawFlags) error {
	said, err := withdrawal(e, f)
	if err != nil {
		return err
	}
	if err := f.signing.Load(e, u); err != nil {
		return err
	}
	repository, reference, err := env.SplitReference(ref)
	if err != nil {
		return err
	}
	if ref == repository { // latest would be a guess, and what is withdrawn is not to be guessed
		return hint.Usagef("REF %q: names no release: write HOST/PATH:TAG or HOST/PATH@DIGEST", ref)
	}
	if tag, ok := artifact.ParseTag(reference); ok && !tag.Platform.IsZero() {
		// What refers to a part of an index nobody looks for.
		return hint.Usagef("REF %q: is the tag of one platform: name the release, %s:%s", ref, repository, artifact.VersionTag(tag.Version))
	} else if ok && tag.Version.String() == said.Replacement {
		return hint.Usagef("--replacement %q: is the version that is withdrawn", f.replacement)
	}
	repo, err := publishTarget(e, repository)
	if err != nil {
		return err
	}
	act := publish.Withdraw
	if f.undo {
		act = publish.Restore
	}
	done, err := act(ctx, repo, manifest.NameIn(repo.Name()), reference, said)
	items := []withdrawnItem{}
	for _, d := range done {
		it := withdrawnItem{repo.Name(), string(d.Subject.Digest), ui.Time(d.By.Date), d.By.Reason, d.By.Replacement, string(d.By.Manifest), f.undo, d.Kept}
		if sign := f.signing.In(repo, u); sign != nil && err == nil {
			err = sign(ctx, d.Desc)
		}
		items = append(items, it)
	}
	v := ui.List("WithdrawalList", "withdrawal", items)
	v.Text = func(w ui.Lines) {
		for _, it := range items {
			w.Line("%s", withdrawnText(it))
		}
	}
	if err != nil {
		tellDone(u, v)
		if errors.As(err, new(*artifact.FormatError)) {
			return hint.With(err, "only a release can be withdrawn; see what it is: "+e.Name()+" inspect "+ref)
		}
		return hint.Online(err)
	}
	if len(items) == 0 && u.Output == "" {
		u.Say("%s is not withdrawn", ref)
		return nil
	}
	return u.Print(v)
}

func withdrawnText(it withdrawnItem) string {
	text := "withdrawn by"
	switch {
	case it.Undone:
		text = "no longer withdrawn by"
	case it.Kept:
		text = "is withdrawn already, by"
	}
	return fmt.Sprintf("%s@%s %s %s", it.Repository, it.Digest, text, it.Manifest)
}

// withdrawal is what the flags say of a withdrawal.
func withdrawal(e *env.Env, f withdrawFlags) (artifact.Withdrawal, error) {
	w := artifact.Withdrawal{Date: e.Now(), Reason: strings.TrimSpace(f.reason)}
	if f.undo {
		return w, nil
	}
	if err := artifact.CheckReason(w.Reason); err != nil {
		return w, hint.Usagef("--reason: %v: say why, in a line", err)
	}
	if f.replacement == "" {
		return w, nil
	}
	v, err := semver.StrictNewVersion(strings.TrimPrefix(f.replacement, "v"))
	if err != nil {
		return w, hint.Usagef("--replacement %q: is not a version X.Y.Z", f.replacement)
	}
	w.Replacement = v.String()
	return w, nil
}
