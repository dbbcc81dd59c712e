package project

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func lockCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var check, dryRun, merge bool
	var from string
	cmd := e.Command(env.Command{
		Use:   "lock",
		Short: "Resolve the manifest and write the lock",
		Long: `A locked version stays as long as the manifest admits it: new releases change
nothing until update asks for them. A lock that satisfies the manifest is kept
without asking any registry. If the manifest names another registry, the locked
version is looked for there first, and kept.

A lock with conflict markers of git or jj is merged driver by driver; what both
sides changed is resolved again. --merge BASE OURS THEIRS does the same for
three files and writes OURS, as git's merge drivers do.

--check writes nothing, asks no network and exits 3 where the lock is missing or
does not satisfy the manifest.`,
		Examples: []env.Example{
			{"lock", "write " + "schemahero-plugins.lock"},
			{"lock --check", "in CI: is the committed lock current?"},
			{"lock --dry-run -o json", "what would change, for a script"},
			{"lock --from drivers.tar", "resolve to what a bundle has, without network"},
			{"lock --merge base.lock ours.lock theirs.lock", "merge three locks into ours.lock"},
		},
		Complete: complete.Nothing,
		Args: func(cmd *cobra.Command, args []string) error {
			if merge {
				return env.Exactly(3, "BASE OURS THEIRS")(cmd, args)
			}
			return env.None(cmd, args)
		},
		Run: func(cmd *cobra.Command, args []string) error {
			if merge {
				return runMerge(cmd.Context(), e, u, args)
			}
			if from != "" {
				if _, err := e.ReadFrom(cmd.Context(), from); err != nil {
					return err
				}
			}
			p, err := e.Project()
			if err != nil {
				return err
			}
			if check {
				if err := p.CheckLock(); err != nil {
					return err
				}
				u.Say("%s is current", u.Rel(p.LockFile()))
				if u.Output == "" {
					return nil
				}
				return u.Print(ui.Changes(nil))
			}
			report, err := p.Lock(cmd.Context(), project.LockOptions{DryRun: dryRun})
			if err != nil {
				return err
			}
			return printLock(e, u, report)
		},
	})
	cmd.Flags().BoolVar(&check, "check", false, "only report whether the lock is current; exit 3 if not")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, print what would change")
	cmd.Flags().BoolVar(&merge, "merge", false, "merge the locks BASE OURS THEIRS and write OURS")
	cmd.Flags().StringVar(&from, "from", "", "resolve to what this bundle or image layout holds, without network")
	cmd.MarkFlagsMutuallyExclusive("check", "dry-run", "merge")
	cmd.MarkFlagsMutuallyExclusive("merge", "from")
	cmd.MarkFlagsMutuallyExclusive("check", "from")
	return cmd
}

// runMerge needs no manifest unless both sides changed the same driver.
func runMerge(ctx context.Context, e *env.Env, u *ui.UI, files []string) error {
	p, err := e.ProjectOrLock()
	if err != nil {
		return err
	}
	for _, file := range files {
		if !env.Exists(e.Abs(file)) { // git gives an empty file if there is no lock
			return hint.Usagef("--merge %s: there is no such file", file)
		}
	}
	report, err := p.MergeLock(ctx, e.Abs(files[0]), e.Abs(files[1]), e.Abs(files[2]))
	if err != nil {
		return err
	}
	return printLock(e, u, report)
}

// printLock prints what became of a lock.
func printLock(e *env.Env, u *ui.UI, r *project.LockReport) error {
	u.Resolved(r.Result)
	u.Unsigned(e.Accepted(r.Lock, r.Changes, nil))
	for _, p := range r.Lock.Plugins {
		if _, ok := p.Platform(e.Platform); !ok {
			u.Warn("%s %s: serves no %s, and sync will fail on this machine", p.Name, p.Version, e.Platform)
		}
	}
	if len(r.Changes) == 0 && (u.Output == "" || u.Output == "wide") {
		u.Say("the lock is current: %s", ui.Count(len(r.Lock.Plugins), "driver"))
		return nil
	}
	return u.Print(ui.Changes(r.Changes))
}
