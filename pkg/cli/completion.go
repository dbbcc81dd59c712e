package cli

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// completions adds to the whole tree what cobra does not know by itself. A
// command or a flag that has a completion of its own keeps it.
func (a *app) completions(c *cobra.Command) {
	for _, sub := range c.Commands() {
		a.completions(sub)
	}
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { a.completeFlag(c, f) })
	if !c.HasParent() {
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { a.completeFlag(c, f) })
		return
	}
	if c.ValidArgsFunction != nil {
		c.ValidArgsFunction = starting(c.ValidArgsFunction)
	}
	if c.ValidArgsFunction != nil || len(c.ValidArgs) > 0 || c.HasSubCommands() {
		return
	}
	switch use := strings.TrimPrefix(c.Use, c.Name()); {
	case strings.Contains(use, "FILE"), strings.Contains(use, "CMD"), strings.Contains(use, "BASE"):
		// files: what a shell offers anyway
	case strings.HasPrefix(use, " REF"):
		c.ValidArgsFunction = starting(a.completeReleases)
	case strings.HasPrefix(use, " HOST"):
		c.ValidArgsFunction = starting(func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, noFiles
			}
			return a.completeHosts(c, args, word)
		})
	case strings.HasPrefix(use, " NAME"), strings.HasPrefix(use, " [NAME"):
		c.ValidArgsFunction = starting(a.completeKnown)
	default:
		c.ValidArgsFunction = cobra.NoFileCompletions
	}
}

// completeFlag gives a flag what its value can be.
func (a *app) completeFlag(c *cobra.Command, f *pflag.Flag) {
	if _, has := c.GetFlagCompletionFunc(f.Name); has || f.NoOptDefVal != "" {
		return
	}
	complete := cobra.NoFileCompletions
	switch f.Name {
	case "output":
		complete = completeOutput
	case "platform":
		complete = completePlatform
	case "precise":
		complete = a.completePrecise
	case "registry":
		complete = a.completeHosts
	case "file":
		complete = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
		}
	case "directory", "dir", "dist", "home", "source":
		complete = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
	case "bundle", "ca-file", "from", "key":
		return // files: what a shell offers anyway
	}
	_ = c.RegisterFlagCompletionFunc(f.Name, starting(complete))
}

// starting leaves out what does not begin with the word so far. Most shells do
// that themselves; kubectl does not. File types are no words.
func starting(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		found, directive := complete(c, args, word)
		if directive&cobra.ShellCompDirectiveFilterFileExt == 0 {
			found = slices.DeleteFunc(found, func(s string) bool { return !strings.HasPrefix(s, word) })
		}
		return found, directive
	}
}

func completeOutput(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	forms := ui.OutputForms()
	if slices.Contains([]string{"lock", "update"}, cmd.Name()) {
		forms = append(forms, "markdown")
	}
	return forms, noFiles | cobra.ShellCompDirectiveNoSpace
}

func completePlatform(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	platforms := []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}
	if f := cmd.Flag("platform"); f != nil && strings.Contains(f.Usage, "=FILE") {
		for i := range platforms {
			platforms[i] += "="
		}
		return platforms, noFiles | cobra.ShellCompDirectiveNoSpace
	}
	return platforms, noFiles
}

func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := a.command("completion SHELL", "Print a completion script for a shell",
		`Prints a script for bash, zsh, fish or powershell. kubectl completes plugins by
itself where kubectl_complete-schemahero-plugin is on the PATH.`,
		examples(
			"completion bash > /etc/bash_completion.d/kubectl-schemahero-plugin", "for bash, for every user",
			"completion zsh", "for zsh",
			"completion fish", "for fish"),
		exactly(1, "SHELL"), func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return a.bashCompletion(root)
			case "zsh":
				return root.GenZshCompletion(a.ui.Out)
			case "fish":
				return root.GenFishCompletion(a.ui.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.ui.Out)
			}
			return usagef("SHELL %q: is none of %s", args[0], strings.Join(shells, " "))
		})
	cmd.ValidArgs = shells
	return cmd
}

// bashCompletion is cobra's script with one change: bash breaks words at @, so
// the script has to put NAME@VERSION together, as it does for = and :.
func (a *app) bashCompletion(root *cobra.Command) error {
	var script bytes.Buffer
	if err := root.GenBashCompletionV2(&script, true); err != nil {
		return err
	}
	equals := "__" + root.Name() + `_handle_special_char "$cur" =`
	text := strings.NewReplacer(" -n =: ", " -n =:@ ", equals, equals+"\n    "+strings.Replace(equals, "=", "@", 1)).Replace(script.String())
	_, err := io.WriteString(a.ui.Out, text)
	return err
}
