package machine

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func downloadCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var platform, dir string
	var all, force bool
	cmd := e.Command(env.Command{
		Use:   "download {NAME[@CONSTRAINT]... | --all}",
		Short: "Install drivers without a project, as the host's own command does",
		Long: `Takes the newest stable release of each driver, fetches this platform's archive
only, and holds it against its digest and checksum. It stays until the next
download of the driver, or prune --all.`,
		Examples: []env.Example{
			{"download postgres", "the newest postgres driver"},
			{"download postgres@~0.1 mysql", "within a range; two drivers"},
			{"download --all", "every driver that SchemaHero publishes"},
		},
		Complete: complete.Known(),
		Args:     cobra.ArbitraryArgs,
		Run: func(cmd *cobra.Command, args []string) error {
			switch {
			case all && len(args) > 0:
				return hint.Usagef("--all: goes without names")
			case all:
				args = artifact.KnownDrivers()
			case len(args) == 0:
				return hint.Usagef("NAME is missing: name a driver, or say --all")
			}
			return runDownload(cmd.Context(), e, u, args, platform, dir, force)
		},
	})
	cmd.Flags().BoolVar(&all, "all", false, "every driver that SchemaHero publishes: "+strings.Join(artifact.KnownDrivers(), ", "))
	cmd.Flags().StringVar(&platform, "platform", "", "OS/ARCH instead of this machine's; needs --dir")
	cmd.Flags().StringVar(&dir, "dir", "", "install here, not in HOME/plugins")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite files that were installed by hand")
	return cmd
}

func runDownload(ctx context.Context, e *env.Env, u *ui.UI, args []string, platform, dir string, force bool) error {
	var platforms []string
	if platform != "" {
		platforms = []string{platform}
	}
	target, err := e.Target(platforms, dir)
	if err != nil {
		return err
	}
	o, err := e.Options()
	if err != nil {
		return err
	}
	total := &project.SyncReport{}
	var failed []error
	for _, arg := range args {
		name, constraint, err := env.DriverArg(arg)
		if err != nil {
			return err
		}
		d := project.DownloadOptions{Name: name, Constraint: constraint, Dir: target.Dir, Force: force}
		if len(target.Platforms) > 0 {
			d.Platform = target.Platforms[0]
		}
		r, err := project.Download(ctx, o, d)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		total.Merge(r)
	}
	total.Changes, total.Saved = nil, true // there is no lock to tell of
	u.StopProgress()
	u.Unsigned(e.Accepted(total.Lock, nil, total.Items))
	return u.Synced(total, errors.Join(failed...), false)
}
