package project

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func syncCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var o project.SyncOptions
	var check bool
	var platforms []string
	var dir, from string
	cmd := e.Command(env.Command{
		Use:   "sync [NAME...]",
		Short: "Make this machine match the lock",
		Long: `If the lock satisfies the manifest, sync asks the registry for nothing but
the layers that are missing here, one request for each driver. If it does
not, sync resolves and writes it first; --locked makes that an error.

Every layer is checked against its digest and size before anything is replaced.
If one driver fails, none is replaced; --keep-going installs the others.

With NAMEs it installs only these and what they require; the others stay as they
are. The lock is always that of the whole manifest.`,
		Examples: []env.Example{
			{"sync", "lock where needed, then install"},
			{"sync --locked", "in CI: a stale lock is an error, exit 3"},
			{"sync postgres", "this driver, and what it requires"},
			{"sync --from drivers.tar", "behind an air gap: everything from a bundle, no network at all"},
			{"sync --check", "is this machine as the lock says? no network, no change"},
			{"sync --platform linux/arm64 --dir image/plugins", "drivers for another machine, for an image"},
		},
		Complete: complete.Locked(e),
		Args:     cobra.ArbitraryArgs,
		Run: func(cmd *cobra.Command, args []string) error {
			o.Only, o.Exact = args, o.Locked || o.Frozen || check
			target, err := e.Target(platforms, dir)
			if err != nil {
				return err
			}
			o.Platforms, o.Dir = target.Platforms, target.Dir
			if o.Probe && len(o.Platforms) > 0 && !slices.Contains(o.Platforms, e.Platform) {
				return hint.Usagef("--probe: drivers for %s cannot be started on %s", artifact.JoinPlatforms(o.Platforms), e.Platform)
			}
			p, err := syncSource(cmd.Context(), e, u, &o, from)
			if err != nil {
				return err
			}
			if check {
				report, err := p.Check(cmd.Context(), o)
				if err != nil {
					return err
				}
				report.Items = shadowed(e, report.Items, o)
				if err := u.Print(ui.Plugins(report.Items, report.Lock)); err != nil {
					return err
				}
				return e.Differs(report)
			}
			report, err := p.Sync(cmd.Context(), o)
			if report != nil {
				shadow(e, u, report.Items, o)
			}
			return synced(e, u, report, err, o.DryRun)
		},
	})
	f := cmd.Flags()
	f.BoolVar(&o.Locked, "locked", false, "fail if the lock is missing or out of date")
	f.BoolVar(&o.Frozen, "frozen", false, "install from the lock alone; no manifest is needed")
	f.BoolVar(&check, "check", false, "only check: no writes, no network; exit 3 if anything differs")
	f.BoolVar(&o.DryRun, "dry-run", false, "change nothing, print what would be done")
	f.BoolVar(&o.Prune, "prune", false, "afterwards remove installed drivers that no lock wants")
	f.BoolVar(&o.Force, "force", false, "overwrite files that were installed by hand")
	f.BoolVar(&o.KeepGoing, "keep-going", false, "keep installing other drivers if one fails")
	f.BoolVar(&o.Probe, "probe", false, "start each new driver once before it is put in place (runs its code)")
	f.BoolVar(&o.Refetch, "refetch", false, "fetch every layer again")
	f.StringSliceVar(&platforms, "platform", nil, "OS/ARCH instead of this machine's; several go to DIR/OS-ARCH")
	f.StringVar(&from, "from", "", "install from this bundle or image layout, as --frozen: by the project's lock, else by the bundle's; with --locked the project's, which must be current")
	f.StringVar(&dir, "dir", "", "install here, not where the manifest says")
	cmd.MarkFlagsMutuallyExclusive("locked", "frozen")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "probe")
	for _, writes := range []string{"dry-run", "prune", "force", "keep-going", "probe", "refetch"} {
		cmd.MarkFlagsMutuallyExclusive("check", writes)
	}
	return cmd
}

// shadowed marks what the host would not load from here because it finds another
// file first. It means nothing for other folders and machines.
func shadowed(e *env.Env, items []install.Status, o project.SyncOptions) []install.Status {
	if o.Dir != "" || len(o.Platforms) > 0 {
		return items
	}
	dirs := e.SearchPath()
	out := project.Shadow(items, dirs)
	for i := range out {
		if !install.Searched(out[i].Path, dirs) {
			out[i].State = items[i].State // from where the host is started it may look there
		}
	}
	return out
}

// shadow is shadowed for what a sync did, which no sync can mend: it is told.
// If there was nothing to do and nobody asks for the states, nobody pays for
// looking.
func shadow(e *env.Env, u *ui.UI, items []project.Synced, o project.SyncOptions) {
	done := func(it project.Synced) bool { return it.Action != install.Kept && it.Action != "" }
	if u.Output == "" && !slices.ContainsFunc(items, done) {
		return
	}
	for i, it := range items {
		if s := shadowed(e, []install.Status{it.Status}, o)[0]; s.State == install.Shadowed && it.State != s.State {
			items[i].State = s.State
			by, _ := install.Shadow(it.Item, e.SearchPath())
			u.Warn("%s: %s; see %s which %s", u.Rel(it.Path), ui.HostTakes(by), e.Name(), it.Name)
		}
	}
}

// synced prints what a sync did, and whose signatures nobody asked for.
func synced(e *env.Env, u *ui.UI, r *project.SyncReport, failed error, dryRun bool) error {
	if r != nil {
		u.StopProgress()
		u.Unsigned(e.Accepted(r.Lock, r.Changes, r.Items))
		u.Overridden(r.Overridden)
	}
	return u.Synced(r, failed, dryRun)
}

// syncSource opens the project that a sync is of: with --from the project's
// lock, else the bundle's; with --locked the project's alone.
func syncSource(ctx context.Context, e *env.Env, u *ui.UI, o *project.SyncOptions, from string) (*project.Project, error) {
	switch {
	case from == "" && o.Frozen:
		return e.ProjectOrLock()
	case from == "":
		return e.Project()
	}
	c, err := e.ReadFrom(ctx, from)
	if err != nil {
		return nil, err
	}
	if o.Locked {
		return e.Project()
	}
	o.Frozen = true
	p, err := e.ProjectOrLock()
	if err != nil {
		return nil, err
	}
	lock, err := p.ReadLock()
	if err != nil || lock != nil {
		return p, err
	}
	if c.Lock == nil {
		return nil, &project.StaleError{File: p.LockFile(), Missing: true}
	}
	options, err := e.Options()
	if err != nil {
		return nil, err
	}
	home := install.NewHome(options.Home)
	u.Say("no project here: installing what the lock in %s says", from)
	return project.OpenWith(p.ManifestFile(), home.BundleLock(), c.Lock, options), nil
}
