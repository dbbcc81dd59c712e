package machine

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
)

func listCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Command(env.Command{
		Use:   "list",
		Short: "List installed drivers and what the host would load",
		Long: `Shows the drivers of the project's lock, what else this program installed where
the host looks, and drivers that others put there. The state is one of

  ok             as the lock says
  missing        not installed
  changed        installed, then changed
  notExecutable  the host cannot start it
  foreign        not installed by this program
  shadowed       the host finds another one first; one in the working
                 directory it then does not start, and goes on to the home
                 or downloads
  unused         wanted by no lock; prune removes it`,
		Examples: []env.Example{
			{"list", "what is installed"},
			{"list -o wide", "with platforms, repositories and digests"},
			{"list -o jsonpath='{.items[*].name}'", "names, for a script"},
		},
		Complete: complete.Nothing,
		Args:     env.None,
		Run: func(cmd *cobra.Command, _ []string) error {
			p, err := e.ProjectOrLock()
			if err != nil {
				return err
			}
			statuses, err := p.List(cmd.Context(), e.SearchPath())
			if err != nil {
				return err
			}
			lock, err := p.ReadLock()
			if err != nil {
				return err
			}
			var names []string
			for _, s := range statuses {
				if !slices.Contains(names, s.Name) {
					names = append(names, s.Name)
					warnUnstarted(u, install.Discover(e.Platform.Executable(s.Name), e.SearchPath()))
				}
			}
			return u.Print(ui.Plugins(statuses, lock))
		},
	})
}
