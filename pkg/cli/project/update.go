package project

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

func updateCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var o project.UpdateOptions
	var noSync, dryRun bool
	cmd := e.Command(env.Command{
		Use:   "update [NAME...]",
		Short: "Update to the newest releases that the manifest allows",
		Long: `Resolves the named drivers again, or all of them, prints what changes in the
lock, and installs it. The manifest is not edited: to go further than it admits,
use add NAME@CONSTRAINT.

A version whose tag was moved in the registry is kept as it is locked, and the
command exits 7 when the others are done; --accept-moved NAME takes what the tag
names now. So is one whose successor is not signed as the trust rules ask, or by
another signer than is locked: --accept-signer NAME takes whom the rules admit.
A driver of which the registry has nothing to take, because its tag was deleted
or what there is was passed over, is kept and told; --precise goes back to an
older version, and says whether it passes the manifest's minimum-age.`,
		Examples: []env.Example{
			{"update", "everything, as far as the manifest admits"},
			{"update postgres --precise 0.1.2", "one driver, to exactly this version"},
			{"update --dry-run -o markdown", "the changes as a table for a pull request"},
		},
		Complete: complete.Locked(e),
		Args:     cobra.ArbitraryArgs,
		Run: func(cmd *cobra.Command, args []string) error {
			o.Names = args
			if err := checkUpdate(&o, cmd.Flags().Changed("precise")); err != nil {
				return err
			}
			return runUpdate(cmd.Context(), e, u, o, noSync, dryRun)
		},
	})
	f := cmd.Flags()
	f.StringVar(&o.Precise, "precise", "", "take this version; needs exactly one NAME")
	f.BoolVar(&o.AcceptMoved, "accept-moved", false, "take what moved tags name now; needs NAMEs")
	f.BoolVar(&o.AcceptSigner, "accept-signer", false, "accept a signer other than the locked one; needs NAMEs")
	f.BoolVar(&noSync, "no-sync", false, "only lock")
	f.BoolVar(&dryRun, "dry-run", false, "change nothing, print what would change")
	cmd.SuggestFor = []string{"upgrade"}
	return cmd
}

// checkUpdate checks what was asked for; precise reports whether a version was,
// if only an empty one.
func checkUpdate(o *project.UpdateOptions, precise bool) error {
	if precise {
		if len(o.Names) != 1 {
			return hint.Usagef("--precise: needs exactly one NAME")
		}
		v, err := semver.StrictNewVersion(strings.TrimPrefix(o.Precise, "v"))
		if err != nil {
			return hint.Usagef("--precise %q: is not a version X.Y.Z", o.Precise)
		}
		o.Precise = v.String()
	}
	if o.AcceptMoved && len(o.Names) == 0 {
		return hint.Usagef("--accept-moved: needs NAMEs, so that nothing is taken unseen")
	}
	if o.AcceptSigner && len(o.Names) == 0 {
		return hint.Usagef("--accept-signer: needs NAMEs, so that nobody is taken unseen")
	}
	return nil
}

func runUpdate(ctx context.Context, e *env.Env, u *ui.UI, o project.UpdateOptions, noSync, dryRun bool) error {
	p, err := e.Project()
	if err != nil {
		return err
	}
	if len(o.Names) > 0 {
		if o.Names, err = drivers(u, p, o.Names); err != nil {
			return err
		}
	}
	if noSync || dryRun {
		report, err := p.UpdateLock(ctx, o, project.LockOptions{DryRun: dryRun})
		if err != nil {
			return err
		}
		kept := kept(u, report, o)
		return errors.Join(printLock(e, u, report), kept)
	}
	report, err := p.Update(ctx, o, project.SyncOptions{})
	if err != nil {
		if report != nil {
			u.Resolved(report.Result)
		}
		return err
	}
	u.StopProgress()
	kept := kept(u, &report.LockReport, o)
	if err := printLock(e, u, &report.LockReport); err != nil {
		return err
	}
	if u.Output == "" {
		report.Changes, report.Result = nil, nil // told already
		shadow(e, u, report.Items, project.SyncOptions{})
		return errors.Join(synced(e, u, report, nil, false), kept)
	}
	return kept
}

// kept is what update ends with where entries were kept that should not have
// been. What was done all the same is then no result, and goes to standard error.
func kept(u *ui.UI, r *project.LockReport, o project.UpdateOptions) error {
	err := errors.Join(movedError(r.Result, o), errors.Join(r.Refused...))
	if err != nil {
		u.Divert()
	}
	return err
}

// movedError is the part of kept if an entry stays because its tag
// names something else now. A tag that is meant to move was followed; one that
// was deleted is told, and what is locked is kept. What is told here, and what
// was accepted, is not a warning any more.
func movedError(r *resolve.Result, o project.UpdateOptions) error {
	var errs []error
	var rest []resolve.Moved
	for _, m := range r.Moved {
		meant := len(o.Names) == 0 || slices.Contains(o.Names, m.Plugin)
		switch {
		case m.Now == "" || m.Floating || !meant:
			rest = append(rest, m)
		case !o.AcceptMoved || pins(r.Lock, m):
			errs = append(errs, &resolve.MovedError{Moved: m})
		}
	}
	r.Moved = rest
	return errors.Join(errs...)
}

// pins reports whether a lock still has what a moved tag named before.
func pins(l *lockfile.Lock, m resolve.Moved) bool {
	if l == nil {
		return false
	}
	entry, ok := l.Plugin(m.Plugin)
	return ok && (entry.Digest == m.Locked || slices.ContainsFunc(entry.Platforms, func(p lockfile.Platform) bool { return p.Manifest == m.Locked }))
}
