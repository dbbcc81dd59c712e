package project

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func addCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var registry string
	var noSync, dryRun bool
	cmd := e.Command(env.Command{
		Use:   "add NAME[@CONSTRAINT]...",
		Short: "Add drivers to the manifest, lock and install them",
		Long: `Without a constraint the newest stable version is taken and the manifest gets
its caret range (^0.1 for 0.1.2). Of an engine's name the driver that
serves it is added: postgresql gives postgres, mariadb gives mysql, and
cockroachdb gives postgres with the alias that the host asks for.

Only the line of the driver is written; comments and order stay. If nothing
satisfies the constraint, nothing is changed.`,
		Examples: []env.Example{
			{"add postgres", "require the newest postgres driver"},
			{"add postgres@^0.1 mysql@'>=0.1, <0.3'", "two drivers, within ranges"},
			{"add oracle@1 --registry registry.internal/db --no-sync", "from another registry; lock it, install later"},
		},
		Complete: complete.Addable(e),
		Args:     env.AtLeast(1, "NAME"),
		Run: func(cmd *cobra.Command, args []string) error {
			return runAdd(cmd.Context(), e, u, args, registry, noSync, dryRun)
		},
	})
	cmd.Flags().StringVar(&registry, "registry", "", "registry of these drivers, if it is not the manifest's")
	cmd.Flags().BoolVar(&noSync, "no-sync", false, "edit and lock only")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, print what would be done")
	cmd.SuggestFor = []string{"install", "require", "get"}
	return cmd
}

func runAdd(ctx context.Context, e *env.Env, u *ui.UI, args []string, registry string, noSync, dryRun bool) error {
	p, err := e.Project()
	if err != nil {
		return err
	}
	m, err := p.Manifest()
	if err != nil {
		return err
	}
	var edits []manifest.Edit
	for _, arg := range args {
		one, err := edit(ctx, u, p, m, arg, registry)
		if err != nil {
			return err
		}
		edits = append(edits, one)
	}
	set := func(data []byte) (out []byte, err error) {
		out = data
		for _, one := range edits {
			if out, err = manifest.Set(p.ManifestFile(), out, one); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return change(ctx, e, u, p, set, noSync, dryRun)
}

// change edits the manifest, locks and, unless noSync, installs.
func change(ctx context.Context, e *env.Env, u *ui.UI, p *project.Project, edit func([]byte) ([]byte, error), noSync, dryRun bool) error {
	if noSync {
		report, err := p.EditLock(ctx, edit, project.LockOptions{DryRun: dryRun})
		if err != nil {
			return err
		}
		return printLock(e, u, report)
	}
	report, err := p.Edit(ctx, edit, project.SyncOptions{DryRun: dryRun})
	if report != nil {
		shadow(e, u, report.Items, project.SyncOptions{})
	}
	return synced(e, u, report, err, dryRun)
}

// edit reads NAME[@CONSTRAINT] and says what an engine's name stands for.
func edit(ctx context.Context, u *ui.UI, p *project.Project, m *manifest.Manifest, arg, registry string) (manifest.Edit, error) {
	name, constraint, err := env.DriverArg(arg)
	e := manifest.Edit{Name: name, Version: constraint, Registry: registry}
	if err != nil {
		return e, err
	}
	if registry != "" {
		if err := manifest.CheckRegistry(registry); err != nil {
			return e, hint.Usage(err)
		}
	}
	if driver, ok := artifact.DriverOf(name); ok {
		e.Name = driver
		u.Say("%s is served by the driver %s", name, driver)
		if artifact.HostLooksFor(name) {
			e.Aliases = []string{name}
			u.Say("the host asks for schemahero-%s, so %s is installed under that name too", name, driver)
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
