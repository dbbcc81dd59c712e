// Package carry has the commands that carry drivers elsewhere: behind an air gap, into
// images, to other tools.
package carry

import (
	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// Commands returns the group's commands.
func Commands(e *env.Env, u *ui.UI) []*cobra.Command {
	return []*cobra.Command{
		mirrorCommand(e, u),
		bundleCommand(e, u),
		serveCommand(e, u),
		exportCommand(e, u),
	}
}
