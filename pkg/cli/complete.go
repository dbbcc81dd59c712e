package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
)

// completionTime is how long a completion may ask a registry: a shell that
// hangs is worse than one that knows less.
const completionTime = 1500 * time.Millisecond

const noFiles = cobra.ShellCompDirectiveNoFileComp

// prepared applies the global flags, which cobra does not for a completion.
func (a *app) prepared(cmd *cobra.Command) bool {
	a.ui.Quiet = true
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
	return constraintsOf(name, a.candidates(cmd, name)), noFiles
}

// completePrecise offers the versions of the one driver that is named.
func (a *app) completePrecise(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, noFiles
	}
	var out []string
	for _, c := range a.candidates(cmd, args[0]) {
		out = append(out, c.Version.String())
	}
	return out, noFiles
}

// candidates asks the registry for a driver's versions, newest first; none
// where it does not answer in time.
func (a *app) candidates(cmd *cobra.Command, name string) []artifact.Candidate {
	if !a.prepared(cmd) || artifact.CheckName(name) != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	p, err := a.project()
	if err != nil {
		return nil
	}
	registry := ""
	if f := cmd.Flag("registry"); f != nil {
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

// completeReleases offers the locked releases, as REPOSITORY:TAG.
func (a *app) completeReleases(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	var out []string
	for _, p := range a.lockedPlugins(cmd) {
		switch {
		case p.Tag != "":
			out = append(out, p.Repository+":"+p.Tag)
		case p.Digest != "":
			out = append(out, p.Repository+"@"+string(p.Digest))
		}
	}
	return out, noFiles
}

// completeHosts offers the registries that the lock uses.
func (a *app) completeHosts(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, p := range a.lockedPlugins(cmd) {
		if host, _, ok := strings.Cut(p.Repository, "/"); ok {
			out = append(out, host)
		}
	}
	return without(out, nil), noFiles
}

func (a *app) lockedPlugins(cmd *cobra.Command) []lockfile.Plugin {
	if !a.prepared(cmd) {
		return nil
	}
	p, err := a.syncProject(true)
	if err != nil {
		return nil
	}
	lock, err := p.ReadLock()
	if err != nil || lock == nil {
		return nil
	}
	return lock.Plugins
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
