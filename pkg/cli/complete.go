package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// completionTime is how long a completion may ask a registry: a shell that
// hangs is worse than one that knows less.
const completionTime = 1500 * time.Millisecond

const noFiles = cobra.ShellCompDirectiveNoFileComp

// completions adds what cobra does not know to the whole tree.
func (a *app) completions(root *cobra.Command) {
	_ = root.RegisterFlagCompletionFunc("output", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return outputForms(), noFiles | cobra.ShellCompDirectiveNoSpace
	})
	_ = root.RegisterFlagCompletionFunc("file", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
	})
	_ = root.RegisterFlagCompletionFunc("directory", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
}

func (a *app) completePlatforms(cmd *cobra.Command) {
	_ = cmd.RegisterFlagCompletionFunc("platform", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"}, noFiles
	})
}

// prepared applies the global flags, which cobra does not for a completion.
func (a *app) prepared(cmd *cobra.Command) bool {
	a.flags.quiet = true
	return a.prepare(cmd) == nil
}

// completeKnown offers SchemaHero's own drivers.
func (a *app) completeKnown(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return without(artifact.KnownDrivers(), args), noFiles
}

// completeLocked offers the drivers of manifest, lock and receipts.
func (a *app) completeLocked(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if !a.prepared(cmd) {
		return nil, noFiles
	}
	var names []string
	if p, err := a.syncProject(true); err == nil {
		if m, err := p.Manifest(); err == nil {
			for _, q := range m.Plugins {
				names = append(names, q.Name)
			}
		}
		if lock, err := p.ReadLock(); err == nil && lock != nil {
			for _, q := range lock.Plugins {
				names = append(names, q.Name)
			}
		}
		if receipts, err := p.Engine().Receipts(); err == nil {
			for _, r := range receipts {
				names = append(names, r.Name)
			}
		}
	}
	return without(names, args), noFiles
}

// completeAdd offers drivers, and behind NAME@ the versions that there are.
func (a *app) completeAdd(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	name, _, at := strings.Cut(word, "@")
	if !at {
		return without(append(artifact.KnownDrivers(), "cockroachdb", "mariadb", "postgresql"), args), noFiles | cobra.ShellCompDirectiveNoSpace
	}
	if !a.prepared(cmd) || artifact.CheckName(name) != nil {
		return nil, noFiles
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	p, err := a.project()
	if err != nil {
		return nil, noFiles
	}
	registry, _ := cmd.Flags().GetString("registry")
	candidates, err := p.Candidates(ctx, manifest.Edit{Name: name, Registry: registry})
	if err != nil {
		return nil, noFiles
	}
	return constraintsOf(name, candidates), noFiles
}

// constraintsOf offers each version as it stands, and the caret and tilde
// ranges that begin at it.
func constraintsOf(name string, candidates []artifact.Candidate) []string {
	var out []string
	for _, prefix := range []string{"", "^", "~"} {
		for _, c := range candidates {
			out = append(out, name+"@"+prefix+c.Version.String())
		}
	}
	return out
}

func without(names, used []string) []string {
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(used, n) })
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
				return root.GenBashCompletionV2(a.Out, true)
			case "zsh":
				return root.GenZshCompletion(a.Out)
			case "fish":
				return root.GenFishCompletion(a.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.Out)
			}
			return usagef("SHELL %q: is none of %s", args[0], strings.Join(shells, " "))
		})
	cmd.ValidArgs = shells
	return cmd
}
