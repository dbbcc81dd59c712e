// Package sources has the commands about registries and whom to trust.
package sources

import (
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// Commands returns the group's commands.
func Commands(e *env.Env, u *ui.UI) []*cobra.Command {
	return []*cobra.Command{
		searchCommand(e, u),
		inspectCommand(e, u),
		trustCommand(e, u),
		loginCommand(e, u),
		logoutCommand(e, u),
	}
}
