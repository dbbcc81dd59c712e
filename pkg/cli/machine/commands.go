// Package machine has the commands about what is installed on this machine.
package machine

import (
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// Commands returns the group's commands.
func Commands(e *env.Env, u *ui.UI) []*cobra.Command {
	return []*cobra.Command{
		listCommand(e, u),
		whichCommand(e, u),
		verifyCommand(e, u),
		pruneCommand(e, u),
		doctorCommand(e, u),
		runCommand(e, u),
		downloadCommand(e, u),
	}
}
