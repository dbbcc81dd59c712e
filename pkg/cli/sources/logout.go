package sources

import (
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func logoutCommand(e *env.Env, u *ui.UI) *cobra.Command {
	return e.Command(env.Command{
		Use:   "logout HOST",
		Short: "Forget the credentials of a registry",
		Long: `Removes them wherever docker, podman and oras would find them, those that Podman
keeps for single namespaces (HOST/PATH) included.`,
		Examples: []env.Example{
			{"logout docker.io", "forget Docker Hub's"},
			{"logout registry.internal:5000", "forget those of a registry on a port"},
			{"logout ghcr.io -q", "say nothing"},
		},
		Complete: complete.Host(e),
		Args:     env.Exactly(1, "HOST"),
		Run: func(cmd *cobra.Command, args []string) error {
			client, err := e.Client()
			if err != nil {
				return err
			}
			files, err := client.Logout(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if len(files) == 0 {
				u.Say("%s: no credentials were stored", args[0])
			}
			for _, f := range files {
				u.Say("%s: removed from %s", args[0], f)
			}
			return nil
		},
	})
}
