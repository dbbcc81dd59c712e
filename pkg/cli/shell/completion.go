package shell

import (
	"bytes"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/complete"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

func completionCommand(e *env.Env, u *ui.UI) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return e.Command(env.Command{
		Use: "completion SHELL", Short: "Print a completion script for a shell",
		Long: `Prints a script for bash, zsh, fish or powershell. kubectl completes plugins by
itself where kubectl_complete-schemahero-plugin is on the PATH.`,
		Examples: []env.Example{
			{"completion bash > /etc/bash_completion.d/kubectl-schemahero-plugin", "for bash, for every user"},
			{"completion zsh", "for zsh"},
			{"completion fish", "for fish"},
		},
		Args: env.Exactly(1, "SHELL"), Complete: complete.Words(shells...),
		Run: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return bashCompletion(u, root)
			case "zsh":
				return root.GenZshCompletion(u.Out)
			case "fish":
				return root.GenFishCompletion(u.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(u.Out)
			}
			return hint.Usagef("SHELL %q: must be one of %s", args[0], strings.Join(shells, " "))
		},
	})
}

// bashCompletion is cobra's script with one change: bash breaks words at @, so
// the script has to put NAME@VERSION together, as it does for = and :.
func bashCompletion(u *ui.UI, root *cobra.Command) error {
	var script bytes.Buffer
	if err := root.GenBashCompletionV2(&script, true); err != nil {
		return err
	}
	equals := "__" + root.Name() + `_handle_special_char "$cur" =`
	text := strings.NewReplacer(" -n =: ", " -n =:@ ", equals, equals+"\n    "+strings.Replace(equals, "=", "@", 1)).Replace(script.String())
	_, err := io.WriteString(u.Out, text)
	return err
}
