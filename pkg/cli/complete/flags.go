package complete

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
)

// Flags gives the flags of a tree of commands what their values can be. A flag of
// one name has one meaning in all of them; one that a command completes itself is
// left alone, and one that is not known here has no completion.
func Flags(e *env.Env, c *cobra.Command) {
	for _, sub := range c.Commands() {
		Flags(e, sub)
	}
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { flag(e, c, f) })
	if !c.HasParent() {
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { flag(e, c, f) })
	}
}

func flag(e *env.Env, c *cobra.Command, f *pflag.Flag) {
	if _, has := c.GetFlagCompletionFunc(f.Name); has || f.NoOptDefVal != "" {
		return
	}
	complete := Nothing
	switch f.Name {
	case "output":
		complete = starting(output)
	case "errors":
		complete = starting(func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return ui.ErrorForms(), noFiles
		})
	case "platform":
		complete = Platforms("")
	case "only":
		complete = Locked(e)
	case "precise":
		complete = Precise(e)
	case "registry":
		complete = hosts(e)
	case "context":
		complete = starting(func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return e.Contexts(env.ClusterFlags{Kubeconfig: c.Flag("kubeconfig").Value.String()}), noFiles
		})
	case "file":
		complete = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
		}
	case "directory", "dir", "dist", "home", "source":
		complete = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
	case "bundle", "ca-file", "from", "key", "kubeconfig", "system-config":
		return // files: what a shell offers anyway
	}
	_ = c.RegisterFlagCompletionFunc(f.Name, complete)
}

// Platforms offers platforms, each with what a flag wants behind it: "=" for a file.
func Platforms(behind string) cobra.CompletionFunc {
	return starting(func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, p := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"} {
			out = append(out, p+behind)
		}
		if behind != "" {
			return out, noFiles | cobra.ShellCompDirectiveNoSpace
		}
		return out, noFiles
	})
}

func output(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	forms := ui.OutputForms()
	if slices.Contains([]string{"lock", "update"}, c.Name()) {
		forms = append(forms, "markdown")
	}
	return forms, noFiles | cobra.ShellCompDirectiveNoSpace
}
