// Package complete answers a shell that completes a command line: with drivers,
// versions, releases, registries and the values of flags.
package complete

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/cli/env"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
)

// maxTime is how long a completion may ask a registry: a shell that hangs is worse
// than one that knows less.
const maxTime = 1500 * time.Millisecond

const noFiles = cobra.ShellCompDirectiveNoFileComp

// starting leaves out what does not begin with the word so far. Most shells do
// that themselves; kubectl does not.
func starting(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		found, directive := complete(c, args, word)
		return slices.DeleteFunc(found, func(s string) bool { return !strings.HasPrefix(s, word) }), directive
	}
}

// Nothing is for a command without arguments.
func Nothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, noFiles
}

// AfterFile is for a command whose first argument is a file.
func AfterFile(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return complete(c, args[1:], word)
	}
}

// Words offers words that are known beforehand, each once.
func Words(words ...string) cobra.CompletionFunc {
	return starting(func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return without(slices.Clone(words), args), noFiles
	})
}

// Known offers SchemaHero's own drivers.
func Known() cobra.CompletionFunc { return Words(artifact.KnownDrivers()...) }

// Locked offers the drivers of manifest, lock and receipts.
func Locked(e *env.Env) cobra.CompletionFunc {
	return starting(func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var names []string
		p, err := opened(e, c)
		if err != nil {
			return nil, noFiles
		}
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
		if receipts, err := p.Installer().Receipts(); err == nil {
			for _, r := range receipts {
				names = append(names, r.Name)
			}
		}
		return without(names, args), noFiles
	})
}

// Addable offers drivers, and behind NAME@ the versions that there are.
func Addable(e *env.Env) cobra.CompletionFunc {
	return starting(func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		name, _, at := strings.Cut(word, "@")
		if !at {
			return without(append(artifact.KnownDrivers(), "cockroachdb", "mariadb", "postgresql"), args), noFiles | cobra.ShellCompDirectiveNoSpace
		}
		return constraintsOf(name, candidates(e, c, name)), noFiles
	})
}

// Releases offers the locked releases, as REPOSITORY:TAG.
func Releases(e *env.Env) cobra.CompletionFunc {
	return starting(func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, noFiles
		}
		var out []string
		for _, p := range lockedPlugins(e, c) {
			switch {
			case p.Tag != "":
				out = append(out, p.Repository+":"+p.Tag)
			case p.Digest != "":
				out = append(out, p.Repository+"@"+string(p.Digest))
			}
		}
		return out, noFiles
	})
}

// Host offers the registries that the lock uses, for a command's one argument.
func Host(e *env.Env) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, noFiles
		}
		return hosts(e)(c, args, word)
	}
}

func hosts(e *env.Env) cobra.CompletionFunc {
	return starting(func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, p := range lockedPlugins(e, c) {
			if host, _, ok := strings.Cut(p.Repository, "/"); ok {
				out = append(out, host)
			}
		}
		return without(out, nil), noFiles
	})
}

// Precise offers the versions of the one driver that is named.
func Precise(e *env.Env) cobra.CompletionFunc {
	return starting(func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) != 1 {
			return nil, noFiles
		}
		var out []string
		for _, found := range candidates(e, c, args[0]) {
			out = append(out, found.Version.String())
		}
		return out, noFiles
	})
}

// candidates asks the registry for a driver's versions, newest first; none
// if it does not answer in time.
func candidates(e *env.Env, c *cobra.Command, name string) []artifact.Candidate {
	if artifact.CheckName(name) != nil {
		return nil
	}
	ctx, err := e.Apply(c.Context())
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	p, err := e.Project()
	if err != nil {
		return nil
	}
	registry := ""
	if f := c.Flag("registry"); f != nil {
		registry = f.Value.String()
	}
	if driver, ok := artifact.DriverOf(name); ok {
		name = driver
	}
	found, err := p.Candidates(ctx, manifest.Edit{Name: name, Registry: registry})
	if err != nil {
		return nil
	}
	return found
}

func lockedPlugins(e *env.Env, c *cobra.Command) []lockfile.Plugin {
	p, err := opened(e, c)
	if err != nil {
		return nil
	}
	lock, err := p.ReadLock()
	if err != nil || lock == nil {
		return nil
	}
	return lock.Plugins
}

// opened opens the project. cobra applies no flags for a completion.
func opened(e *env.Env, c *cobra.Command) (*project.Project, error) {
	if _, err := e.Apply(c.Context()); err != nil {
		return nil, err
	}
	return e.ProjectOrLock()
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
