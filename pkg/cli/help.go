package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
)

// helpCommand is cobra's, but a word that is not a command is told, and not
// answered with the help of something else.
func helpCommand(e *env.Env) *cobra.Command {
	return e.Command(env.Command{
		Use:   "help [COMMAND]...",
		Short: "Show the help of a command",
		Long: `Shows what a command does, its flags and examples; --help behind the command
does the same.`,
		Examples: []env.Example{
			{"help", "all commands"},
			{"help sync", "one of them"},
			{"help bundle create", "one below another"},
		},
		Args:     cobra.ArbitraryArgs,
		Complete: completeCommands,
		Run: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return env.UnknownCommand(found, rest[0])
			}
			return found.Help()
		},
	})
}

// completeCommands offers what stands below the command that args name.
func completeCommands(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, c := range found.Commands() {
		if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), word) {
			names = append(names, c.Name()+"\t"+c.Short)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
