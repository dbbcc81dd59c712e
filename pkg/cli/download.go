package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func (a *app) downloadCommand() *cobra.Command {
	var platform, dir string
	var all, force bool
	cmd := a.command("download {NAME[@CONSTRAINT]... | --all}", "Install drivers without a project, as the host's own command does",
		`Takes the newest stable release of each driver, fetches this platform's archive
only, and holds it against its digest and checksum. It stays until the next
download of the driver, or prune --all.`,
		examples(
			"download postgres", "the newest postgres driver",
			"download postgres@~0.1 mysql", "within a range; two drivers",
			"download --all", "every driver that SchemaHero publishes"),
		cobra.ArbitraryArgs, func(cmd *cobra.Command, args []string) error {
			switch {
			case all && len(args) > 0:
				return usagef("--all: goes without names")
			case all:
				args = artifact.KnownDrivers()
			case len(args) == 0:
				return usagef("NAME is missing: name a driver, or say --all")
			}
			return a.runDownload(cmd.Context(), args, platform, dir, force)
		})
	cmd.Flags().BoolVar(&all, "all", false, "every driver that SchemaHero publishes: "+strings.Join(artifact.KnownDrivers(), ", "))
	cmd.Flags().StringVar(&platform, "platform", "", "OS/ARCH instead of this machine's; needs --dir")
	cmd.Flags().StringVar(&dir, "dir", "", "install here, not in HOME/plugins")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite files that were installed by hand")
	cmd.ValidArgsFunction = a.completeKnown
	return cmd
}

func (a *app) runDownload(ctx context.Context, args []string, platform, dir string, force bool) error {
	var target plugins.SyncOptions
	var platforms []string
	if platform != "" {
		platforms = []string{platform}
	}
	if err := a.target(&target, platforms, dir); err != nil {
		return err
	}
	o, err := a.options()
	if err != nil {
		return err
	}
	total := &plugins.SyncReport{}
	var failed []error
	for _, arg := range args {
		name, constraint, err := driverArg(arg)
		if err != nil {
			return err
		}
		d := plugins.DownloadOptions{Name: name, Constraint: constraint, Dir: target.Dir, Force: force}
		if len(target.Platforms) > 0 {
			d.Platform = target.Platforms[0]
		}
		r, err := plugins.Download(ctx, o, d)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		total.Merge(r)
	}
	total.Changes, total.Saved = nil, true // there is no lock to tell of
	return a.printSync(total, errors.Join(failed...), false)
}
