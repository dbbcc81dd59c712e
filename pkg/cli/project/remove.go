package project

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

func removeCommand(e *env.Env, u *ui.UI) *cobra.Command {
	var noSync, dryRun bool
	cmd := e.Command(env.Command{
		Use:   "remove NAME...",
		Short: "Remove drivers from the manifest and the lock",
		Long: `The lines of the drivers leave the manifest and the lock. Their installed files
stay until prune removes them, since another project may still want them. Of an
alias only the alias goes, and the driver stays.`,
		Examples: []env.Example{
			{"remove mysql", "no longer require mysql"},
			{"remove mysql sqlite --no-sync", "two drivers; touch nothing that is installed"},
			{"remove mysql --dry-run", "see what would change"},
		},
		Complete: complete.Locked(e),
		Args:     env.AtLeast(1, "NAME"),
		Run: func(cmd *cobra.Command, args []string) error {
			p, err := e.Project()
			if err != nil {
				return err
			}
			removals, err := removals(e, u, p, args)
			if err != nil {
				return err
			}
			return change(cmd.Context(), e, u, p, func(data []byte) (out []byte, err error) {
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
		},
	})
	cmd.Flags().BoolVar(&noSync, "no-sync", false, "edit and lock only")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing, print what would be done")
	cmd.SuggestFor = []string{"uninstall", "delete", "rm"}
	return cmd
}

// removal is a driver that the manifest shall no longer list, or one alias of it.
type removal struct{ name, alias string }

// removals reads what a person wants removed, each once.
func removals(e *env.Env, u *ui.UI, p *project.Project, words []string) ([]removal, error) {
	names, err := drivers(u, p, words)
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
			u.Say("%s stays without that alias; to remove it too: %s remove %s", r.name, e.Name(), r.name)
		}
	}
	return out, nil
}
