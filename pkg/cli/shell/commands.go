// Package shell has the commands about this program itself, kubectl and the shell.
package shell

import (
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// Commands returns the group's commands.
func Commands(e *env.Env, u *ui.UI) []*cobra.Command {
	return []*cobra.Command{
		linkCommand(e, u),
		unlinkCommand(e, u),
		completionCommand(e, u),
		versionCommand(e, u),
	}
}
