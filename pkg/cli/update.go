package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

func (a *app) updateCommand() *cobra.Command {
	var u plugins.UpdateOptions
	var noSync, dryRun bool
	cmd := a.command("update [NAME...]", "Take the newest releases that the manifest admits",
		`Resolves the named drivers anew, or all of them, prints what changes in the
lock, and installs it. The manifest is not edited: to go further than it admits,
use add NAME@CONSTRAINT.

A version whose tag was moved in the registry is kept as it is locked, and the
command exits 7 when the others are done; --accept-moved NAME takes what the tag
names now. So is one whose successor is not signed as the trust rules ask, or by
another signer than is locked: --accept-signer NAME takes whom the rules admit.
A driver of which the registry has nothing to take, because its tag was deleted
or what there is was passed over, is kept and told; --precise goes back to an
older version.`,
		examples(
			"update", "everything, as far as the manifest admits",
			"update postgres --precise 0.1.2", "one driver, to exactly this version",
			"update --dry-run -o markdown", "the changes as a table for a pull request"),
		cobra.ArbitraryArgs, func(cmd *cobra.Command, args []string) error {
			u.Names = args
			if err := checkUpdate(&u, cmd.Flags().Changed("precise")); err != nil {
				return err
			}
			return a.runUpdate(cmd.Context(), u, noSync, dryRun)
		})
	f := cmd.Flags()
	f.StringVar(&u.Precise, "precise", "", "take this version; needs exactly one NAME")
	f.BoolVar(&u.AcceptMoved, "accept-moved", false, "take what moved tags name now; needs NAMEs")
	f.BoolVar(&u.AcceptSigner, "accept-signer", false, "take what another signer signed than is locked; needs NAMEs")
	f.BoolVar(&noSync, "no-sync", false, "only lock")
	f.BoolVar(&dryRun, "dry-run", false, "change nothing, print what would change")
	cmd.ValidArgsFunction = a.completeLocked
	cmd.SuggestFor = []string{"upgrade"}
	return cmd
}

// checkUpdate checks what was asked for; precise tells whether a version was,
// if only an empty one.
func checkUpdate(u *plugins.UpdateOptions, precise bool) error {
	if precise {
		if len(u.Names) != 1 {
			return usagef("--precise: needs exactly one NAME")
		}
		v, err := semver.StrictNewVersion(strings.TrimPrefix(u.Precise, "v"))
		if err != nil {
			return usagef("--precise %q: is no version X.Y.Z", u.Precise)
		}
		u.Precise = v.String()
	}
	if u.AcceptMoved && len(u.Names) == 0 {
		return usagef("--accept-moved: needs NAMEs, so that nothing is taken unseen")
	}
	if u.AcceptSigner && len(u.Names) == 0 {
		return usagef("--accept-signer: needs NAMEs, so that nobody is taken unseen")
	}
	return nil
}

func (a *app) runUpdate(ctx context.Context, u plugins.UpdateOptions, noSync, dryRun bool) error {
	p, err := a.project()
	if err != nil {
		return err
	}
	if len(u.Names) > 0 {
		if u.Names, err = a.drivers(p, u.Names); err != nil {
			return err
		}
	}
	if noSync || dryRun {
		report, err := p.UpdateLock(ctx, u, plugins.LockOptions{DryRun: dryRun})
		if err != nil {
			return err
		}
		kept := a.kept(report, u)
		return errors.Join(a.printLock(report), kept)
	}
	report, err := p.Update(ctx, u, plugins.SyncOptions{})
	if err != nil {
		if report != nil {
			a.notes(report.Result)
		}
		return err
	}
	a.ui.StopProgress()
	kept := a.kept(&report.LockReport, u)
	if err := a.printLock(&report.LockReport); err != nil {
		return err
	}
	if a.ui.Output == "" {
		report.Changes, report.Result = nil, nil // told already
		a.shadow(report.Items, plugins.SyncOptions{})
		return errors.Join(a.printSync(report, nil, false), kept)
	}
	return kept
}

// kept is what update ends with where entries were kept that should not have
// been. What was done all the same is then no result, and goes to standard error.
func (a *app) kept(r *plugins.LockReport, u plugins.UpdateOptions) error {
	err := errors.Join(movedError(r.Result, u), errors.Join(r.Refused...))
	if err != nil {
		a.ui.Divert()
	}
	return err
}

// movedError is the part of kept where an entry stays because its tag
// names something else now. A tag that is meant to move was followed; one that
// was deleted is told, and what is locked is kept. What is told here, and what
// was accepted, is no warning any more.
func movedError(r *resolve.Result, u plugins.UpdateOptions) error {
	var errs []error
	var rest []resolve.Moved
	for _, m := range r.Moved {
		meant := len(u.Names) == 0 || slices.Contains(u.Names, m.Plugin)
		switch {
		case m.Now == "" || m.Floating || !meant:
			rest = append(rest, m)
		case !u.AcceptMoved || pins(r.Lock, m):
			errs = append(errs, &resolve.MovedError{Moved: m})
		}
	}
	r.Moved = rest
	return errors.Join(errs...)
}

// pins tells whether a lock still has what a moved tag named before.
func pins(l *lockfile.Lock, m resolve.Moved) bool {
	if l == nil {
		return false
	}
	entry, ok := l.Plugin(m.Plugin)
	return ok && (entry.Digest == m.Locked || slices.ContainsFunc(entry.Platforms, func(p lockfile.Platform) bool { return p.Manifest == m.Locked }))
}

// notes tells what a person should know of a resolution.
func (a *app) notes(r *resolve.Result) {
	if r == nil {
		return
	}
	for _, s := range r.Skipped {
		a.ui.Say("%s", s.String())
	}
	for _, n := range r.Notes {
		a.ui.Say("%s", n.String())
	}
	for _, err := range r.Warnings {
		a.ui.Warn("%s", err.Error())
	}
	for _, m := range r.Moved {
		a.ui.Warn("%s", m.String())
	}
}
