package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// entry is a command that can be made: making all of them is a good part of the
// time that a command with nothing to do takes.
type entry struct {
	group string
	name  string
	make  func() *cobra.Command
}

// commands are all there are, in the order of the help page.
func (a *app) commands() []entry {
	return []entry{
		{groupProject, "init", a.initCommand},
		{groupProject, "add", a.addCommand},
		{groupProject, "remove", a.removeCommand},
		{groupProject, "lock", a.lockCommand},
		{groupProject, "sync", a.syncCommand},
		{groupProject, "update", a.updateCommand},
		{groupProject, "outdated", a.outdatedCommand},
		{groupProject, "versions", a.versionsCommand},
		{groupProject, "why", a.whyCommand},
		{groupProject, "tree", a.treeCommand},
		{groupMachine, "list", a.listCommand},
		{groupMachine, "which", a.whichCommand},
		{groupMachine, "verify", a.verifyCommand},
		{groupMachine, "prune", a.pruneCommand},
		{groupMachine, "doctor", a.doctorCommand},
		{groupMachine, "run", a.runCommand},
		{groupMachine, "download", a.downloadCommand},
		{groupSources, "search", a.searchCommand},
		{groupSources, "inspect", a.inspectCommand},
		{groupSources, "trust", a.trustCommand},
		{groupSources, "login", a.loginCommand},
		{groupSources, "logout", a.logoutCommand},
		{groupAuthor, "build", a.buildCommand},
		{groupAuthor, "push", a.pushCommand},
		{groupAuthor, "sign", a.signCommand},
		{groupAuthor, "tag", a.tagCommand},
		{groupCarry, "mirror", a.mirrorCommand},
		{groupCarry, "bundle", a.bundleCommand},
		{groupCarry, "serve", a.serveCommand},
		{groupCarry, "export", a.exportCommand},
		{groupShell, "link", a.linkCommand},
		{groupShell, "unlink", a.unlinkCommand},
		{groupShell, "completion", a.completionCommand},
		{groupShell, "version", a.versionCommand},
	}
}

// addCommands hangs under root the command that the line begins with, or where
// it begins with none, all of them: for help, suggestions and completion.
func (a *app) addCommands(root *cobra.Command, args []string) {
	entries := a.commands()
	if len(args) > 0 {
		if at := slices.IndexFunc(entries, func(e entry) bool { return e.name == args[0] }); at >= 0 {
			entries = entries[at : at+1]
		}
	}
	for _, e := range entries {
		c := e.make()
		c.GroupID = e.group
		root.AddCommand(c)
	}
}

// command is a cobra command whose arguments are counted with a sentence that
// says what is missing, and whose example lines begin as the user calls us.
func (a *app) command(use, short, long, example string, args cobra.PositionalArgs, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: short + ".\n\n" + long, Args: args, RunE: run,
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
	if word == "" {
		return "" // every name begins with it
	}
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
