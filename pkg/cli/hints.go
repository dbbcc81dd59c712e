package cli

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// This file is the one place that knows which command to run next after an
// error. The table in docs/troubleshooting.md follows it.

// hints returns what to do about an error, each line with the exact command.
func (a *app) hints(err error) []string {
	var out []string
	seen := map[string]bool{}
	for _, e := range leaves(err) {
		for _, h := range a.hintsOf(e) {
			if !seen[h] {
				seen[h] = true
				out = append(out, h)
			}
		}
	}
	return out
}

func (a *app) hintsOf(err error) []string {
	if h := a.attemptHints(err); h != nil {
		return h
	}
	if h := a.projectHints(err); h != nil {
		return h
	}
	if h := a.trustHints(err); h != nil {
		return h
	}
	if h := a.publishHints(err); h != nil {
		return h
	}
	if h := a.carryHints(err); h != nil {
		return h
	}
	if h := a.networkHints(err); h != nil {
		return h
	}
	if h := a.diskHints(err); h != nil {
		return h
	}
	return a.machineHints(err)
}

// projectHints are those about manifest, lock and versions.
func (a *app) projectHints(err error) []string {
	me := a.displayName()
	var (
		own      *refused
		file     *diag.Error
		advice   *advised
		usage    *usageError
		missing  *manifest.NotFoundError
		stale    *plugins.StaleError
		conflict *lockfile.ConflictError
		newer    *lockfile.VersionError
		noVer    *resolve.NoVersionError
		noRepo   *resolve.NoRepositoryError
		platform *plugins.PlatformError
		noPlat   *resolve.PlatformError
		unsolved *resolve.ConflictError
		moved    *resolve.MovedError
		drifted  *drift
	)
	switch {
	case errors.As(err, &own):
		return own.hint
	case errors.As(err, &advice):
		return advice.hint
	case errors.As(err, &usage):
		if usage.command != "" {
			return []string{"see " + usage.command + " --help"}
		}
	case errors.As(err, &file) && asksForLatest(file):
		return []string{`for the newest version write "*"; for what the tag names, { tag = "latest" }, pinned by the lock`}
	case errors.As(err, &missing) && missing.File != "" && a.flags.file != "":
		return []string{"check the name behind --file, or write one: " + me + " init -f " + a.ui.Rel(missing.File)}
	case errors.As(err, new(*manifest.NotListedError)):
		return []string{"see what the manifest lists: " + me + " tree"}
	case errors.As(err, &missing):
		return []string{"write one here: " + me + " init", "or name it: " + me + " --file PATH …"}
	case errors.As(err, &stale):
		if stale.Missing {
			return []string{"write it, then commit it: " + me + " lock"}
		}
		return []string{"bring it up to date, then commit it: " + me + " lock"}
	case errors.As(err, new(*lockfile.UnmergedError)):
		return []string{"decide the conflict in the file by hand, or take a whole side of it, then run " + me + " lock"}
	case errors.As(err, &conflict):
		return []string{"merge it: " + me + " lock"}
	case errors.As(err, &newer):
		return []string{"upgrade this program, or write the lock again with this version: remove the file and run " + me + " lock"}
	case errors.As(err, &noVer) && noVer.Prerelease != "" && noVer.Pos.Line > 0:
		return []string{fmt.Sprintf("take prereleases too: write %s = { version = %q, prerelease = true } in the manifest", noVer.Plugin, noVer.Constraint), "see what there is: " + me + " versions " + noVer.Plugin}
	case errors.As(err, &noVer):
		return []string{"see what there is: " + me + " versions " + noVer.Plugin, "and why each was passed over: " + me + " why " + noVer.Plugin}
	case errors.As(err, &noRepo) && noRepo.Wants != "":
		return []string{"see what there is: " + me + " versions " + noRepo.Plugin}
	case errors.As(err, &noRepo):
		return []string{"check the name, or say where it is: " + me + " add " + noRepo.Plugin + " --registry HOST/PATH"}
	case errors.As(err, &platform):
		return a.platformHints(platform)
	case errors.As(err, &noPlat):
		return []string{"see which versions serve which platforms: " + me + " versions " + noPlat.Plugin}
	case errors.As(err, &unsolved):
		return a.conflictHints(unsolved)
	case errors.As(err, &moved):
		return []string{"find out who moved it; to take what it names now: " + me + " update --accept-moved " + moved.Plugin}
	case errors.As(err, new(*shadowedError)):
		return []string{"remove the files named above, or see who comes first: " + me + " which NAME"}
	case errors.As(err, &drifted) && drifted.next != "":
		return []string{drifted.next}
	case errors.As(err, &drifted):
		return []string{"make this machine match: " + me + " sync"}
	}
	return nil
}

func (a *app) platformHints(e *plugins.PlatformError) []string {
	me := a.displayName()
	if e.Declared {
		return []string{fmt.Sprintf("add %q to platforms in the manifest, then run %s lock", e.Platform, me)}
	}
	if runtime.GOOS != "linux" {
		return []string{
			"see which versions serve which platforms: " + me + " versions " + e.Name,
			"where none serves this machine, run the host in a Linux container, or build the driver here and put it into plugins/bin",
		}
	}
	return []string{"see which versions serve which platforms: " + me + " versions " + e.Name}
}

func (a *app) conflictHints(e *resolve.ConflictError) []string {
	var out []string
	for _, s := range e.Suggestions {
		if s.Plugin != artifact.Host && s.Pos.Line == 0 { // what was to be added
			out = append(out, fmt.Sprintf("take another version: %s add %s@%s", a.displayName(), s.Plugin, s.To))
			continue
		}
		out = append(out, s.String())
	}
	if len(out) == 0 {
		out = append(out, "relax one of the constraints named above")
	}
	return out
}

// machineHints are those about files and content.
func (a *app) machineHints(err error) []string {
	me := a.displayName()
	var (
		probe *install.ProbeError
		sum   *artifact.SumError
	)
	switch {
	case len(foreignPaths(err)) > 0:
		return []string{"it is not the driver to be installed; to overwrite it: " + me + " sync --force", "to keep it, move it elsewhere"}
	case errors.As(err, &probe):
		return []string{"it was not put in place; take a version that works here, or tell its publisher: " + me + " versions " + probe.Item.Plugin}
	case errors.As(err, &sum):
		return []string{"tell the publisher: the archive and its .sha256 were not made together"}
	case fault.Of(err) == fault.Integrity:
		return []string{"nothing of it was kept; fetch again: " + me + " sync --refetch", "if it happens again, the registry does not hold what was locked: tell its owner"}
	}
	return nil
}

// asksForLatest tells whether a manifest has the tag "latest" for a constraint.
func asksForLatest(e *diag.Error) bool {
	return slices.ContainsFunc(e.Problems, func(p diag.Problem) bool {
		var bad *manifest.ConstraintError
		return errors.As(p.Cause, &bad) && strings.TrimSpace(bad.Constraint) == "latest"
	})
}
