package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func (a *app) syncCommand() *cobra.Command {
	var o plugins.SyncOptions
	var check bool
	var platforms []string
	var dir, from string
	cmd := a.command("sync", "Make this machine match the lock",
		`Where the lock satisfies the manifest, sync asks the registry for nothing but
the layers that are missing here, one request for each driver. Where it does
not, sync resolves and writes it first; --locked makes that an error.

Every layer is held against its digest and size before anything is replaced. If
one driver fails, none is replaced; --keep-going installs the others.`,
		examples(
			"sync", "lock where needed, then install",
			"sync --locked", "in CI: a stale lock is an error, exit 3",
			"sync --from drivers.tar", "behind an air gap: everything from a bundle, no network at all",
			"sync --check", "is this machine as the lock says? no network, no change",
			"sync --platform linux/arm64 --dir image/plugins", "drivers for another machine, for an image"),
		none, func(cmd *cobra.Command, _ []string) error {
			if err := a.target(&o, platforms, dir); err != nil {
				return err
			}
			p, err := a.syncSource(cmd.Context(), &o, from)
			if err != nil {
				return err
			}
			if check {
				report, err := p.Check(cmd.Context(), o)
				if err != nil {
					return err
				}
				report.Items = a.shadowed(report.Items, o)
				return a.printCheck(report)
			}
			report, err := p.Sync(cmd.Context(), o)
			if report != nil {
				a.shadow(report.Items, o)
			}
			return a.printSync(report, err, o.DryRun)
		})
	f := cmd.Flags()
	f.BoolVar(&o.Locked, "locked", false, "a missing or stale lock is an error")
	f.BoolVar(&o.Frozen, "frozen", false, "the lock alone decides; no manifest is needed")
	f.BoolVar(&check, "check", false, "write nothing, ask no network; exit 3 where lock or machine differ")
	f.BoolVar(&o.DryRun, "dry-run", false, "change nothing, print what would be done")
	f.BoolVar(&o.Prune, "prune", false, "afterwards remove installed drivers that no lock wants")
	f.BoolVar(&o.Force, "force", false, "overwrite files that were installed by hand")
	f.BoolVar(&o.KeepGoing, "keep-going", false, "install what can be installed though a driver fails")
	f.BoolVar(&o.Probe, "probe", false, "start each new driver once before it is put in place (runs its code)")
	f.BoolVar(&o.Refetch, "refetch", false, "fetch every layer anew")
	f.StringSliceVar(&platforms, "platform", nil, "OS/ARCH instead of this machine's; several go to DIR/OS-ARCH")
	f.StringVar(&from, "from", "", "install from this bundle or image layout, as --frozen: by the project's lock, else by the bundle's; with --locked the project's, which must be current")
	f.StringVar(&dir, "dir", "", "install here, not where the manifest says")
	cmd.MarkFlagsMutuallyExclusive("locked", "frozen")
	for _, writes := range []string{"dry-run", "prune", "force", "keep-going", "probe", "refetch"} {
		cmd.MarkFlagsMutuallyExclusive("check", writes)
	}
	return cmd
}

// target fills in where to install and for which platforms.
func (a *app) target(o *plugins.SyncOptions, platforms []string, dir string) error {
	for _, s := range platforms {
		p, err := parseMachine(s)
		if err != nil {
			return asUsage(err)
		}
		if !slices.Contains(o.Platforms, p) {
			o.Platforms = append(o.Platforms, p)
		}
	}
	if dir != "" {
		o.Dir = a.abs(dir)
	}
	host := hostPlatform()
	if len(o.Platforms) == 1 && o.Platforms[0] == host && o.Dir == "" {
		o.Platforms = nil // what a sync does anyway
	}
	if len(o.Platforms) > 0 && o.Dir == "" {
		return usagef("--platform %s: needs --dir, because this machine (%s) would load what is installed", o.Platforms[0], host)
	}
	return nil
}

// shadowed marks what the host would not load from here because it finds another
// file first. It means nothing for other folders and machines.
func (a *app) shadowed(items []install.Status, o plugins.SyncOptions) []install.Status {
	if o.Dir != "" || len(o.Platforms) > 0 {
		return items
	}
	dirs := a.searchPath()
	out := plugins.Shadow(items, dirs)
	for i := range out {
		if !install.Searched(out[i].Path, dirs) {
			out[i].State = items[i].State // from where the host is started it may look there
		}
	}
	return out
}

// shadow is shadowed for what a sync did, which no sync can mend: it is told.
// Where there was nothing to do and nobody asks for the states, nobody pays for
// looking.
func (a *app) shadow(items []plugins.Synced, o plugins.SyncOptions) {
	done := func(it plugins.Synced) bool { return it.Action != install.Kept && it.Action != "" }
	if a.ui.Output == "" && !slices.ContainsFunc(items, done) {
		return
	}
	for i, it := range items {
		if s := a.shadowed([]install.Status{it.Status}, o)[0]; s.State == install.Shadowed && it.State != s.State {
			items[i].State = s.State
			by, _ := install.Shadow(it.Item, a.searchPath())
			a.ui.Warn("%s: %s; see %s which %s", a.ui.Rel(it.Path), ui.HostTakes(by), a.displayName(), it.Name)
		}
	}
}

// printSync prints what a sync did, or with dryRun would do, and its failure.
func (a *app) printSync(r *plugins.SyncReport, failed error, dryRun bool) error {
	a.ui.StopProgress()
	if r == nil {
		return failed
	}
	a.notes(r.Result)
	a.warnAccepted(r.Lock, r.Changes, r.Items)
	if failed == nil || r.Saved {
		for _, c := range r.Changes {
			a.ui.Say("%s", changeLine(c, dryRun))
		}
	}
	for _, c := range r.Conflicts {
		lock, _ := c.Claim.Lock()
		a.ui.Warn("%s: %s wants version %s, which was replaced by %s", c.Item.Path, a.ui.Rel(lock), ui.Version(c.Version), ui.Version(c.Item.Version))
	}
	for _, d := range r.Dropped {
		a.ui.Say("%s: no longer wanted here; prune removes it", a.ui.Rel(d.Path))
	}
	for _, f := range r.Pruned.Files {
		a.ui.Say("%s %s", removed(dryRun), a.ui.Rel(f.Path))
	}
	if failed != nil {
		if r.Saved && !a.ui.Quiet {
			printActions(ui.NewLines(a.ui.Err), r.Items, dryRun) // with --keep-going, what was done all the same
		}
		return failed
	}
	var items []install.Status
	done := 0
	for _, it := range r.Items {
		items = append(items, it.Status)
		if it.Action != install.Kept {
			done++
		}
	}
	if a.ui.Output != "" {
		return a.ui.Print(ui.Plugins(items, r.Lock))
	}
	printActions(ui.NewLines(a.ui.Out), r.Items, dryRun)
	if done == 0 {
		a.ui.Say("%s, nothing to do", ui.Count(len(r.Items), "executable"))
	}
	return nil
}

func printActions(w ui.Lines, items []plugins.Synced, dryRun bool) {
	for _, it := range items {
		if it.Action == install.Kept || it.Action == "" {
			continue
		}
		verb := string(it.Action)
		if dryRun {
			verb = "would be " + verb
			if it.Unjudged && it.Action == install.Adopted {
				verb += ", if its layer holds what is there"
			}
		}
		from := ""
		if r := it.Receipt; r != nil && r.Version != it.Version && r.Version != "" {
			from = " (was " + r.Version + ")"
		}
		w.Line("%s %s %s%s", it.Name, ui.Version(it.Version), verb, from)
	}
}

// printCheck prints how the machine stands; a difference is exit code 3.
func (a *app) printCheck(r *plugins.CheckReport) error {
	var err error
	if r.Drift() {
		err = &drift{text: "this machine differs from the lock", next: a.nextSync(r.Items)}
		if r.Stale != nil {
			err = r.Stale
		}
	}
	if printed := a.ui.Print(ui.Plugins(r.Items, r.Lock)); printed != nil {
		return printed
	}
	return err
}

// nextSync is what makes the machine match: "" for a plain sync, which does not
// touch what it did not install.
func (a *app) nextSync(items []install.Status) string {
	next := ""
	for _, it := range items {
		switch it.State {
		case install.OK:
		case install.Shadowed:
			next = "see which file the host loads instead, and why: " + a.displayName() + " which " + it.Name
		case install.Foreign:
			if it.Unjudged {
				return "" // a sync finds out, and adopts it or says what then
			}
			return a.displayName() + " sync --force"
		default:
			return ""
		}
	}
	return next
}
