package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// addCommands hangs every command under root, in the order of the help page.
func (a *app) addCommands(root *cobra.Command) {
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupProject, a.initCommand(), a.addCommand(), a.removeCommand(), a.lockCommand(), a.syncCommand(),
		a.updateCommand(), a.outdatedCommand(), a.versionsCommand(), a.whyCommand(), a.treeCommand())
	add(groupMachine, a.listCommand(), a.whichCommand(), a.verifyCommand(), a.pruneCommand(), a.doctorCommand(),
		a.runCommand(), a.downloadCommand())
	add(groupSources, a.searchCommand(), a.inspectCommand(), a.trustCommand(), a.loginCommand(), a.logoutCommand())
	add(groupAuthor, a.buildCommand(), a.pushCommand(), a.signCommand(), a.tagCommand())
	add(groupCarry, a.mirrorCommand(), a.bundleCommand(), a.serveCommand(), a.exportCommand())
	add(groupShell, a.linkCommand(), a.unlinkCommand(), a.completionCommand(), a.versionCommand())
}

// command is a cobra command whose arguments are counted with a sentence that
// says what is missing, and whose example lines begin as the user calls us.
func (a *app) command(use, short, long, example string, args cobra.PositionalArgs, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: short + ".\n\n" + fill(long), Args: args, RunE: run,
		Example:               strings.ReplaceAll(example, "kubectl schemahero plugin", a.displayName()),
		DisableFlagsInUseLine: strings.Contains(use, "["),
	}
}

// onlyHolds runs a command that does nothing itself: it shows what it holds.
func (a *app) onlyHolds(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return a.unknownCommand(cmd, args[0])
}

// unknownCommand answers a word that is no command.
func (a *app) unknownCommand(cmd *cobra.Command, word string) error {
	a.ran = false
	text := fmt.Sprintf("unknown command %q", word)
	if near := suggestion(cmd, word); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return &usageError{err: errors.New(text), command: cmd.CommandPath()}
}

// suggestion is the command that was probably meant: one that other programs
// call so, else the nearest.
func suggestion(cmd *cobra.Command, word string) string {
	for _, c := range cmd.Commands() {
		if slices.Contains(c.SuggestFor, word) {
			return c.Name()
		}
	}
	cmd.SuggestionsMinimumDistance = 2
	for _, near := range cmd.SuggestionsFor(word) {
		return near
	}
	return ""
}

// needs asks for at least n arguments, called what.
func needs(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return usagef("%s is missing", what)
		}
		return nil
	}
}

// exactly asks for n arguments, called what.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("too many arguments: %s", strings.Join(args[n:], " "))
		}
		return needs(n, what)(cmd, args)
	}
}

func none(cmd *cobra.Command, args []string) error { return exactly(0, "")(cmd, args) }
