package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/author"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/carry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/cluster"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/hint"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/machine"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/shell"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/sources"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/ui"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// group is a part of the help page, and the folder that has its commands.
type group struct {
	folder, title string
	commands      func(*env.Env, *ui.UI) []*cobra.Command
}

func groups() []group {
	return []group{
		{"project", "The project's drivers:", project.Commands},
		{"machine", "This machine:", machine.Commands},
		{"sources", "Registries:", sources.Commands},
		{"author", "Publishing drivers:", author.Commands},
		{"carry", "Behind an air gap:", carry.Commands},
		{"cluster", "The cluster:", cluster.Commands},
		{"shell", "Shell and krew:", shell.Commands},
	}
}

// newRoot is the command line's tree; if args begin with a command, without the groups
// behind its own, which are not asked for. began becomes true when flags and arguments
// of a command were accepted.
func newRoot(e *env.Env, u *ui.UI, began *bool, args ...string) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-schemahero-plugin",
		Short: "Package manager for SchemaHero's database drivers",
		Long: `Package manager for SchemaHero's database drivers.

A manifest (schemahero-plugins.toml) says which drivers a project needs and in
which versions; a lock (schemahero-plugins.lock) pins them by digest; sync makes
this machine match the lock.`,
		Example: e.Examples([]env.Example{
			{"init --local", "begin a project whose drivers stand beside it"},
			{"add postgres@^0.1", "require a driver, lock it, install it"},
			{"sync --locked", "in CI: install exactly what the lock says"},
		}),
		Version:           e.Version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: e.Name()},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return prepare(cmd, e, u, began) },
		Args:              cobra.ArbitraryArgs,
		RunE:              env.ShowHelp,
	}
	g := &e.Flags
	f := root.PersistentFlags()
	f.VarP(fileValue{g}, "file", "f", "the manifest (default: schemahero-plugins.toml here or in a parent folder)")
	f.StringVarP(&g.Directory, "directory", "C", "", "change to this folder first")
	f.StringVar(&g.Home, "home", "", "where drivers, store and receipts are kept (default: ~/.schemahero)")
	f.StringVar(&g.SystemConfig, "system-config", "", "the machine's config, above HOME/config.toml (default: "+e.SystemConfig+")")
	f.StringVarP(&u.Output, "output", "o", "", "json, yaml, name, wide, jsonpath=…, go-template=… or custom-columns=…")
	f.StringVar(&u.Errors, "errors", ui.ErrorForms()[0], "how errors are told: text, json (an object a line) or github (annotations)")
	f.BoolVarP(&u.Quiet, "quiet", "q", false, "print results, warnings and errors only")
	f.BoolVarP(&u.Verbose, "verbose", "v", false, "log every request, without secrets")
	f.BoolVar(&g.Stats, "stats", false, "print requests and bytes by kind at the end")
	f.DurationVar(&g.Timeout, "timeout", 0, "give up after this time, like 5m (default: no limit)")
	f.StringVar(&g.CAFile, "ca-file", "", "PEM file of certificate authorities to trust beside the system's")
	f.BoolVar(&g.PlainHTTP, "plain-http", false, "speak HTTP, not HTTPS, to every registry")
	f.BoolVar(&g.Offline, "offline", false, "never use the network")
	f.BoolVar(&u.NoProgress, "no-progress", false, "draw no progress bars")
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	found := false
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.folder, Title: g.title})
		if found {
			continue
		}
		for _, c := range g.commands(e, u) {
			c.GroupID = g.folder
			found = found || len(args) > 0 && args[0] == c.Name()
			root.AddCommand(c)
			if c.Name() == "export" { // one of its parts is another group's
				c.AddCommand(cluster.ExportKubernetesCommand(e, u))
			}
		}
	}
	root.SetHelpCommand(helpCommand(e))
	root.SetHelpCommandGroupID("shell")
	return root
}

// prepare runs before every command: it applies the flags that all have.
func prepare(cmd *cobra.Command, e *env.Env, u *ui.UI, began *bool) error {
	if strings.HasPrefix(cmd.Name(), cobra.ShellCompRequestCmd) {
		*began = true
		return nil // the flags are those of the command that is completed, and not read yet
	}
	if err := ui.CheckOutput(u.Output); err != nil {
		return hint.Usage(err)
	}
	if err := ui.CheckErrors(u.Errors); err != nil {
		return hint.Usage(err)
	}
	if len(e.Flags.Files) > 1 && cmd.CommandPath() != cmd.Root().CommandPath()+" bundle create" {
		return hint.Usagef("--file: is given %d times; only bundle create takes several", len(e.Flags.Files))
	}
	if u.Output == "markdown" && cmd.Name() != "lock" && cmd.Name() != "update" {
		return hint.Usagef("--output markdown: only lock and update print it")
	}
	if err := checkPaths(cmd); err != nil {
		return err
	}
	if err := checkTogether(cmd, u.Output); err != nil {
		return err
	}
	*began = true
	ctx, err := e.Apply(cmd.Context())
	u.Dir = e.Directory
	cmd.SetContext(ctx)
	return err
}

// checkTogether refuses flags of which one would be ignored.
func checkTogether(cmd *cobra.Command, output string) error {
	if output != "" && slices.Contains([]string{"init", "run", "login", "logout", "serve", "completion", "dockerfile", "cyclonedx", "kubernetes"}, cmd.Name()) {
		return hint.Usagef("--output: %s prints no object", cmd.Name())
	}
	// cobra's own words for this name all flags of a group.
	if cmd.ValidateFlagGroups() == nil {
		return nil
	}
	groups := map[string][]string{} // flags that were given, by the group that allows one
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		for _, group := range f.Annotations["cobra_annotation_mutually_exclusive"] {
			if groups[group] = append(groups[group], "--"+f.Name); len(groups[group]) > 1 {
				err = hint.Usagef("%s: use only one of them", strings.Join(groups[group], " and "))
			}
		}
	})
	return err
}

// checkPaths refuses flags that name a place or an age and are empty, as an
// unset variable of a script leaves them: the default would be another place,
// or no bound at all.
func checkPaths(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "dir", "platform", "home", "system-config", "file", "directory", "from", "base", "registry", "ca-file", "key", "older-than", "only",
			"context", "image", "init-container", "kubeconfig", "mount", "name", "namespace", "pull-secret":
			if v := f.Value.String(); v == "" || v == "[]" {
				err = hint.Usagef("--%s: is empty", f.Name)
			}
		}
	})
	return err
}

// fileValue is the value of --file, which one command takes several times.
type fileValue struct{ flags *env.Flags }

// Set implements pflag.Value.
func (v fileValue) Set(file string) error {
	v.flags.File, v.flags.Files = file, append(v.flags.Files, file)
	return nil
}

// String implements pflag.Value.
func (v fileValue) String() string {
	if v.flags == nil {
		return ""
	}
	return v.flags.File
}

// Type implements pflag.Value.
func (v fileValue) Type() string { return "string" }

// flagError adds to an unknown flag the one that was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	collect := func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	}
	cmd.LocalFlags().VisitAll(collect)
	cmd.InheritedFlags().VisitAll(collect)
	word := unknown.GetSpecifiedName()
	if short := unknown.GetSpecifiedShortnames(); len(short) > 1 {
		word = short // -locked for --locked
	}
	if near, ok := diag.Nearest(word, names); ok {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
}
