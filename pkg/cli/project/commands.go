// Package project has the commands about the drivers of a project.
package project

import (
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// Commands returns the group's commands.
func Commands(e *env.Env, u *ui.UI) []*cobra.Command {
	return []*cobra.Command{
		initCommand(e, u),
		addCommand(e, u),
		removeCommand(e, u),
		lockCommand(e, u),
		syncCommand(e, u),
		updateCommand(e, u),
		outdatedCommand(e, u),
		versionsCommand(e, u),
		whyCommand(e, u),
		treeCommand(e, u),
	}
}
