package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func (a *app) lockCommand() *cobra.Command {
	var check, dryRun, merge bool
	var from string
	cmd := a.command("lock", "Resolve the manifest to a lock of digests",
		`A locked version stays as long as the manifest admits it: new releases change
nothing until update asks for them. A lock that satisfies the manifest is kept
without asking any registry.

A lock with conflict markers of git or jj is merged driver by driver; what both
sides changed is resolved again. --merge BASE OURS THEIRS does the same for
three files and writes OURS, as git's merge drivers do.

--check writes nothing, asks no network and exits 3 where the lock is missing or
does not satisfy the manifest.`,
		examples(
			"lock", "write "+"schemahero-plugins.lock",
			"lock --check", "in CI: is the committed lock current?",
			"lock --dry-run -o json", "what would change, for a script",
			"lock --from drivers.tar", "resolve to what a bundle has, without network",
			"lock --merge base.lock ours.lock theirs.lock", "merge three locks into ours.lock"),
		func(cmd *cobra.Command, args []string) error {
			if merge {
				return exactly(3, "BASE OURS THEIRS")(cmd, args)
			}
			return none(cmd, args)
		}, func(cmd *cobra.Command, args []string) error {
			if merge {
				return a.runMerge(cmd.Context(), args)
			}
			if from != "" {
				if _, err := a.openFrom(cmd.Context(), from); err != nil {
					return err
				}
			}
			p, err := a.project()
			if err != nil {
				return err
			}
			if check {
				if err := p.CheckLock(); err != nil {
					return err
				}
				a.ui.Say("%s is current", a.ui.Rel(p.LockFile()))
				if a.ui.Output == "" {
					return nil
				}
				return a.ui.Print(diffView(nil))
			}
			report, err := p.Lock(cmd.Context(), plugins.LockOptions{DryRun: dryRun})
			if err != nil {
				return err
			}
			return a.printLock(report)
		})
	cmd.Flags().BoolVar(&check, "check", false, "only tell whether the lock is current; exit 3 where not")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, print what would change")
	cmd.Flags().BoolVar(&merge, "merge", false, "merge the locks BASE OURS THEIRS and write OURS")
	cmd.Flags().StringVar(&from, "from", "", "resolve to what this bundle or image layout holds, without network")
	cmd.MarkFlagsMutuallyExclusive("check", "dry-run", "merge")
	cmd.MarkFlagsMutuallyExclusive("merge", "from")
	cmd.MarkFlagsMutuallyExclusive("check", "from")
	return cmd
}

// runMerge needs no manifest unless both sides changed the same driver.
func (a *app) runMerge(ctx context.Context, files []string) error {
	p, err := a.syncProject(true)
	if err != nil {
		return err
	}
	for _, file := range files {
		if !exists(a.abs(file)) { // git gives an empty file where there is no lock
			return usagef("--merge %s: there is no such file", file)
		}
	}
	report, err := p.MergeLock(ctx, a.abs(files[0]), a.abs(files[1]), a.abs(files[2]))
	if err != nil {
		return err
	}
	return a.printLock(report)
}

// printLock prints what became of a lock.
func (a *app) printLock(r *plugins.LockReport) error {
	a.notes(r.Result)
	a.warnAccepted(r.Lock, r.Changes, nil)
	for _, p := range r.Lock.Plugins {
		if _, ok := p.Platform(hostPlatform()); !ok {
			a.ui.Warn("%s %s: serves no %s, so that sync will fail on this machine", p.Name, p.Version, hostPlatform())
		}
	}
	if len(r.Changes) == 0 && (a.ui.Output == "" || a.ui.Output == "wide") {
		a.ui.Say("the lock is current: %s", ui.Count(len(r.Lock.Plugins), "driver"))
		return nil
	}
	return a.ui.Print(diffView(r.Changes))
}

// diffView is a LockDiff: what became of each locked plugin.
func diffView(changes []lockfile.Change) ui.View {
	items := changeItems(changes)
	v := ui.List("LockDiff", "plugin", items)
	v.Markdown = func(w ui.Lines) { markdownDiff(w, items) }
	v.Text = func(w ui.Lines) { printChanges(w, items) }
	return v
}

// printChanges writes a changelog of a lock, a line for each driver.
func printChanges(w ui.Lines, items []changeItem) {
	for _, it := range items {
		switch {
		case it.From == "" || it.From == it.To:
			w.Line("%s %s %s", it.Change, it.Name, it.To)
		case it.To == "":
			w.Line("%s %s %s", it.Change, it.Name, it.From)
		default:
			w.Line("%s %s %s -> %s", it.Change, it.Name, it.From, it.To)
		}
		for _, d := range it.Details {
			w.Line("    %s", d)
		}
	}
}
