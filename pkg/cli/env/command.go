package env

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
)

// Command is what a command says of itself.
type Command struct {
	Use      string // with its arguments: "add NAME[@CONSTRAINT]..."
	Short    string // in a line, with a capital and no full stop
	Long     string // paragraphs of at most 80 columns; lists and samples are indented
	Examples []Example
	Args     cobra.PositionalArgs
	Complete cobra.CompletionFunc // its arguments; nil for files
	Run      func(cmd *cobra.Command, args []string) error
}

// Example is a command line behind the program's name, and what it is for.
type Example [2]string

// Command makes a command for the command line's tree. Its examples begin as the
// user calls this program.
func (e *Env) Command(c Command) *cobra.Command {
	return &cobra.Command{
		Use: c.Use, Short: c.Short, Long: c.Short + ".\n\n" + c.Long, Example: e.Examples(c.Examples),
		Args: c.Args, ValidArgsFunction: c.Complete, RunE: c.Run,
		DisableFlagsInUseLine: strings.Contains(c.Use, "["),
	}
}

// Examples writes examples as cobra shows them.
func (e *Env) Examples(examples []Example) string {
	parts := make([]string, len(examples))
	for i, x := range examples {
		parts[i] = "  # " + x[1] + "\n  " + e.Name() + " " + x[0]
	}
	return strings.Join(parts, "\n\n")
}

// Holds makes a command that does nothing itself: it shows what it holds.
func (e *Env) Holds(c Command, below ...*cobra.Command) *cobra.Command {
	c.Args, c.Run = cobra.ArbitraryArgs, ShowHelp
	cmd := e.Command(c)
	cmd.AddCommand(below...)
	return cmd
}

// ShowHelp runs a command that only holds others. A word that is none of them is
// told.
func ShowHelp(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return UnknownCommand(cmd, args[0])
}

// UnknownCommand answers a word that is not a command.
func UnknownCommand(cmd *cobra.Command, word string) error {
	text := fmt.Sprintf("unknown command %q", word)
	if near := suggestion(cmd, word); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return &hint.UsageError{Err: errors.New(text), Command: cmd.CommandPath()}
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

// AtLeast asks for n arguments or more, called what.
func AtLeast(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return hint.Usagef("%s is missing", what)
		}
		return nil
	}
}

// Exactly asks for n arguments, called what.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return hint.Usagef("too many arguments: %s", strings.Join(args[n:], " "))
		}
		return AtLeast(n, what)(cmd, args)
	}
}

// None asks for no arguments.
func None(cmd *cobra.Command, args []string) error { return Exactly(0, "")(cmd, args) }
