package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func (a *app) lockCommand() *cobra.Command {
	var check, dryRun, diff, merge bool
	var from string
	cmd := a.command("lock", "Resolve the manifest to a lock of digests",
		`A locked version stays as long as the manifest admits it: new releases change
nothing until update asks for them. A lock that satisfies the manifest is kept
without asking any registry.

A lock with git's conflict markers is merged driver by driver; what both sides
changed is resolved again. --merge BASE OURS THEIRS does the same for three
files and writes OURS, as git's merge drivers do.

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
				a.say("%s is current", a.rel(p.LockFile()))
				if a.flags.output == "" {
					return nil
				}
				return a.print(view{object: newList[changeItem]("LockDiff", nil), markdown: func(w io.Writer) { markdownDiff(w, nil) }})
			}
			report, err := p.Lock(cmd.Context(), plugins.LockOptions{DryRun: dryRun})
			if err != nil {
				return err
			}
			return a.printLock(report)
		})
	cmd.Flags().BoolVar(&check, "check", false, "only tell whether the lock is current; exit 3 where not")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, print what would change")
	cmd.Flags().BoolVar(&diff, "diff", false, "print the changes in full")
	cmd.Flags().BoolVar(&merge, "merge", false, "merge the locks BASE OURS THEIRS and write OURS")
	cmd.Flags().StringVar(&from, "from", "", "resolve to what this bundle or image layout holds, without network")
	cmd.MarkFlagsMutuallyExclusive("check", "dry-run", "merge")
	cmd.MarkFlagsMutuallyExclusive("check", "diff")
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
			a.warn("%s %s: serves no %s, so that sync will fail on this machine", escape(p.Name), escape(p.Version), hostPlatform())
		}
	}
	items := changeItems(r.Changes)
	v := view{
		object:   newList("LockDiff", items),
		columns:  cols("NAME", "CHANGE", "FROM", "TO"),
		markdown: func(w io.Writer) { markdownDiff(w, items) },
		text:     func(w io.Writer) { a.printChanges(w, r.Changes) },
	}
	for _, c := range items {
		v.names = append(v.names, c.Name)
		v.rows = append(v.rows, []any{c.Name, c.Change, c.From, c.To})
	}
	if len(items) == 0 && (a.flags.output == "" || a.flags.output == "wide") {
		a.say("the lock is current: %s", count(len(r.Lock.Plugins), "driver"))
		return nil
	}
	return a.print(v)
}

// printChanges writes a changelog of a lock, a line for each driver.
func (a *app) printChanges(w io.Writer, changes []lockfile.Change) {
	for _, c := range changes {
		item := changeItemOf(c)
		switch {
		case item.From == "":
			fmt.Fprintf(w, "%s %s %s\n", item.Change, escape(item.Name), escape(item.To))
		case item.To == "":
			fmt.Fprintf(w, "%s %s %s\n", item.Change, escape(item.Name), escape(item.From))
		case item.From == item.To:
			fmt.Fprintf(w, "%s %s %s\n", item.Change, escape(item.Name), escape(item.To))
		default:
			fmt.Fprintf(w, "%s %s %s -> %s\n", item.Change, escape(item.Name), escape(item.From), escape(item.To))
		}
		for _, d := range item.Details {
			fmt.Fprintf(w, "    %s\n", escape(d))
		}
	}
}
