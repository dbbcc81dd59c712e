package cli

import (
	"time"

	"github.com/spf13/cobra"
)

// globals are the flags that every command takes.
type globals struct {
	file      string
	directory string
	home      string
	stats     bool
	timeout   time.Duration
	caFile    string
	plainHTTP bool
	offline   bool
}

const (
	groupProject = "project"
	groupMachine = "machine"
	groupSources = "sources"
	groupAuthor  = "author"
	groupCarry   = "carry"
	groupShell   = "shell"
)

// root is the command line's tree: as much of it as args need, all of it for nil.
func (a *app) root(args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-schemahero-plugin",
		Short: "Package manager for SchemaHero's database drivers",
		Long: `Package manager for SchemaHero's database drivers.

A manifest (schemahero-plugins.toml) says which drivers a project needs and in
which versions; a lock (schemahero-plugins.lock) pins them by digest; sync makes
this machine match the lock.`,
		Example: joinExamples(a.displayName(), []string{
			"init --local", "begin a project whose drivers stand beside it",
			"add postgres@^0.1", "require a driver, lock it, install it",
			"sync --locked", "in CI: install exactly what the lock says"}),
		Version:           a.Version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: a.displayName()},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.prepare(cmd) },
		Args:              cobra.ArbitraryArgs,
		RunE:              a.onlyHolds,
	}
	g := &a.flags
	f := root.PersistentFlags()
	f.StringVarP(&g.file, "file", "f", "", "the manifest (default: schemahero-plugins.toml here or in a parent folder)")
	f.StringVarP(&g.directory, "directory", "C", "", "change to this folder first")
	f.StringVar(&g.home, "home", "", "where drivers, store and receipts are kept (default: ~/.schemahero)")
	f.StringVarP(&a.ui.Output, "output", "o", "", "json, yaml, name, wide, jsonpath=…, go-template=… or custom-columns=…")
	f.BoolVarP(&a.ui.Quiet, "quiet", "q", false, "print results, warnings and errors only")
	f.BoolVarP(&a.ui.Verbose, "verbose", "v", false, "tell every request, without secrets")
	f.BoolVar(&g.stats, "stats", false, "at the end tell requests and bytes by kind")
	f.DurationVar(&g.timeout, "timeout", 0, "give up after this time, like 5m (default: no limit)")
	f.StringVar(&g.caFile, "ca-file", "", "PEM file of certificate authorities to trust beside the system's")
	f.BoolVar(&g.plainHTTP, "plain-http", false, "speak HTTP, not HTTPS, to every registry")
	f.BoolVar(&g.offline, "offline", false, "make no connection at all")
	f.BoolVar(&a.ui.NoProgress, "no-progress", false, "draw no progress bars")
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(
		&cobra.Group{ID: groupProject, Title: "The project's drivers:"},
		&cobra.Group{ID: groupMachine, Title: "This machine:"},
		&cobra.Group{ID: groupSources, Title: "Registries:"},
		&cobra.Group{ID: groupAuthor, Title: "Publishing drivers:"},
		&cobra.Group{ID: groupCarry, Title: "Behind an air gap:"},
		&cobra.Group{ID: groupShell, Title: "Shell and krew:"},
	)
	a.addCommands(root, args)
	root.SetHelpCommand(a.helpCommand())
	root.SetHelpCommandGroupID(groupShell)
	return root
}

// examples joins pairs of a command line (behind the program's name) and what
// it is for. cobra shows them under "Examples:".
func examples(pairs ...string) string { return joinExamples("kubectl schemahero plugin", pairs) }

func joinExamples(name string, pairs []string) string {
	out := ""
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			out += "\n\n"
		}
		out += "  # " + pairs[i+1] + "\n  " + name + " " + pairs[i]
	}
	return out
}
