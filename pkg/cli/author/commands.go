// Package author has the commands for who publishes drivers.
package author

import (
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// Commands returns the group's commands.
func Commands(e *env.Env, u *ui.UI) []*cobra.Command {
	return []*cobra.Command{
		buildCommand(e, u),
		pushCommand(e, u),
		signCommand(e, u),
		tagCommand(e, u),
		withdrawCommand(e, u),
	}
}
