package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func (a *app) addCommand() *cobra.Command {
	var registry string
	var noSync, dryRun bool
	cmd := a.command("add NAME[@CONSTRAINT]...", "Require drivers: edit the manifest, lock, install",
		`Without a constraint the newest stable version is taken and the manifest gets
its caret range (^0.1 for 0.1.2). Of an engine's name the driver that
serves it is added: postgresql gives postgres, mariadb gives mysql, and
cockroachdb gives postgres with the alias that the host asks for.

Only the line of the driver is written; comments and order stay. If nothing
satisfies the constraint, nothing is changed.`,
		examples(
			"add postgres", "require the newest postgres driver",
			"add postgres@^0.1 mysql@'>=0.1, <0.3'", "two drivers, within ranges",
			"add oracle@1 --registry registry.internal/db --no-sync", "from another registry; lock it, install later"),
		needs(1, "NAME"), func(cmd *cobra.Command, args []string) error {
			return a.runAdd(cmd.Context(), args, registry, noSync, dryRun)
		})
	cmd.Flags().StringVar(&registry, "registry", "", "registry of these drivers, if it is not the manifest's")
	cmd.Flags().BoolVar(&noSync, "no-sync", false, "edit and lock only")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, tell what would be done")
	cmd.ValidArgsFunction = a.completeAdd
	cmd.SuggestFor = []string{"install", "require", "get"}
	return cmd
}

func (a *app) runAdd(ctx context.Context, args []string, registry string, noSync, dryRun bool) error {
	p, err := a.project()
	if err != nil {
		return err
	}
	m, err := p.Manifest()
	if err != nil {
		return err
	}
	var edits []manifest.Edit
	for _, arg := range args {
		e, err := a.edit(ctx, p, m, arg, registry)
		if err != nil {
			return err
		}
		edits = append(edits, e)
	}
	change := func(data []byte) (out []byte, err error) {
		out = data
		for _, e := range edits {
			if out, err = manifest.Set(p.ManifestFile(), out, e); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return a.change(ctx, p, change, noSync, dryRun)
}

// change edits the manifest, locks and, unless noSync, installs.
func (a *app) change(ctx context.Context, p *plugins.Project, edit func([]byte) ([]byte, error), noSync, dryRun bool) error {
	if noSync {
		report, err := p.EditLock(ctx, edit, plugins.LockOptions{DryRun: dryRun})
		if err != nil {
			return err
		}
		return a.printLock(report)
	}
	report, err := p.Edit(ctx, edit, plugins.SyncOptions{DryRun: dryRun})
	if report != nil {
		a.shadow(report.Items, plugins.SyncOptions{})
	}
	return a.printSync(report, err, dryRun)
}

// driverArg reads NAME[@CONSTRAINT]; the constraint is "" where there is none.
func driverArg(arg string) (name, constraint string, err error) {
	name, constraint, given := strings.Cut(arg, "@")
	if err := artifact.CheckName(name); err != nil {
		return "", "", asUsage(err)
	}
	switch {
	case !given:
		return name, "", nil
	case constraint == "":
		return "", "", usagef("%s: the constraint after @ is missing", arg)
	case constraint == "latest":
		return "", "", usagef("%s: latest is not a constraint: write %s@'*' for any release, or in a manifest { tag = \"latest\" } for the tag", arg, name)
	}
	if _, err := artifact.ParseConstraint(constraint); err != nil {
		return "", "", usagef("%s: %q is not a constraint: write ^0.1, ~0.1.2, >=0.1, <0.3 or *", name, constraint)
	}
	return name, constraint, nil
}

// edit reads NAME[@CONSTRAINT] and says what an engine's name stands for.
func (a *app) edit(ctx context.Context, p *plugins.Project, m *manifest.Manifest, arg, registry string) (manifest.Edit, error) {
	name, constraint, err := driverArg(arg)
	e := manifest.Edit{Name: name, Version: constraint, Registry: registry}
	if err != nil {
		return e, err
	}
	if registry != "" {
		if err := manifest.CheckRegistry(registry); err != nil {
			return e, asUsage(err)
		}
	}
	if driver, ok := artifact.DriverOf(name); ok {
		e.Name = driver
		a.ui.Say("%s is served by the driver %s", name, driver)
		if artifact.HostLooksFor(name) {
			e.Aliases = []string{name}
			a.ui.Say("the host asks for schemahero-%s, so %s is installed under that name too", name, driver)
		}
	}
	if constraint != "" {
		return e, nil
	}
	if have, ok := m.Plugin(e.Name); ok {
		e.Version = have.Version // add it again: only the alias or registry is new
		return e, nil
	}
	e.Version, err = p.Newest(ctx, e)
	return e, err
}

func (a *app) removeCommand() *cobra.Command {
	var noSync, dryRun bool
	cmd := a.command("remove NAME...", "Require drivers no longer: edit the manifest, lock, clean",
		`The lines of the drivers leave the manifest and the lock. Their installed files
stay until prune removes them, since another project may still want them. Of an
alias only the alias goes, and the driver stays.`,
		examples(
			"remove mysql", "no longer require mysql",
			"remove mysql sqlite --no-sync", "two drivers; touch nothing that is installed",
			"remove mysql --dry-run", "see what would change"),
		needs(1, "NAME"), func(cmd *cobra.Command, args []string) error {
			p, err := a.project()
			if err != nil {
				return err
			}
			removals, err := a.removals(p, args)
			if err != nil {
				return err
			}
			return a.change(cmd.Context(), p, func(data []byte) (out []byte, err error) {
				out = data
				for _, r := range removals {
					if r.alias != "" {
						out, err = manifest.RemoveAlias(p.ManifestFile(), out, r.name, r.alias)
					} else {
						out, err = manifest.Remove(p.ManifestFile(), out, r.name)
					}
					if err != nil {
						return nil, err
					}
				}
				return out, nil
			}, noSync, dryRun)
		})
	cmd.Flags().BoolVar(&noSync, "no-sync", false, "edit and lock only")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, tell what would be done")
	cmd.ValidArgsFunction = a.completeLocked
	cmd.SuggestFor = []string{"uninstall", "delete", "rm"}
	return cmd
}

// removal is a driver that the manifest shall no longer list, or one alias of it.
type removal struct{ name, alias string }

// removals reads what a person wants removed, each once.
func (a *app) removals(p *plugins.Project, words []string) ([]removal, error) {
	names, err := a.drivers(p, words)
	if err != nil {
		return nil, err
	}
	m, err := p.Manifest()
	if err != nil {
		return nil, err
	}
	var out []removal
	for i, name := range names {
		q, listed := m.Plugin(name)
		r := removal{name: name}
		switch {
		case slices.Contains(q.Aliases, words[i]):
			r.alias = words[i]
		case listed && name != words[i] && artifact.HostLooksFor(words[i]):
			// An engine that add writes as an alias, and that is none: not its driver.
			return nil, &manifest.NotListedError{File: p.ManifestFile(), Name: words[i]}
		}
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	all := slices.Clone(out)
	out = slices.DeleteFunc(out, func(r removal) bool { return r.alias != "" && slices.Contains(all, removal{name: r.name}) })
	for _, r := range out {
		if r.alias != "" {
			a.ui.Say("%s stays without that alias; to remove it too: %s remove %s", r.name, a.displayName(), r.name)
		}
	}
	return out, nil
}

// drivers returns the manifest's names for what a person called drivers: an
// alias, or an engine that one of them serves, is that driver.
func (a *app) drivers(p *plugins.Project, words []string) ([]string, error) {
	m, err := p.Manifest()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = w
		if _, ok := m.Plugin(w); ok {
			continue
		}
		driver, engine := artifact.DriverOf(w)
		at := slices.IndexFunc(m.Plugins, func(q manifest.Plugin) bool { return slices.Contains(q.Aliases, w) })
		if at < 0 && engine {
			at = slices.IndexFunc(m.Plugins, func(q manifest.Plugin) bool { return q.Name == driver })
		}
		if at >= 0 {
			names[i] = m.Plugins[at].Name
			a.ui.Say("%s is served by the driver %s", w, names[i])
		}
	}
	return names, nil
}
