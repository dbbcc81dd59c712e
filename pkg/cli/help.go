package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// helpCommand is cobra's, but a word that is no command is told, and not
// answered with the help of something else.
func (a *app) helpCommand() *cobra.Command {
	cmd := a.command("help [COMMAND]...", "Show the help of a command",
		`Shows what a command does, its flags and examples; --help behind the command
does the same.`,
		examples(
			"help", "all commands",
			"help sync", "one of them",
			"help bundle create", "one below another"),
		cobra.ArbitraryArgs, func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return a.unknownCommand(found, rest[0])
			}
			return found.Help()
		})
	cmd.ValidArgsFunction = completeCommands
	return cmd
}

// completeCommands offers what stands below the command that args name.
func completeCommands(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, noFiles
	}
	var names []string
	for _, c := range found.Commands() {
		if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), word) {
			names = append(names, c.Name()+"\t"+c.Short)
		}
	}
	return names, noFiles
}
