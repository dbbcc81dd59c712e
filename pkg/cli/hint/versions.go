package hint

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// versions are the errors about manifest, lock and versions.
func versions() section {
	return section{title: "Manifest, lock and versions", rows: []row{
		on(func(_ Context, e *diag.Error) []string {
			switch {
			case isCause(e, func(*manifest.RequiredVersionError) bool { return true }):
				return []string{"install a release that it admits: https://github.com/schemahero/kubectl-schemahero-plugin/releases"}
			case isCause(e, func(bad *manifest.ConstraintError) bool { return strings.TrimSpace(bad.Constraint) == "latest" }):
				return []string{`for the newest version write "*"; for what the tag names, { tag = "latest" }, pinned by the lock`}
			}
			return nil
		}, told("`required-version: this program is … and the manifest needs …`", "Install a [release](https://github.com/schemahero/kubectl-schemahero-plugin/releases) that the manifest admits, as the README says; nothing else in the manifest was judged", fault.Usage), told("`FILE:LINE:COLUMN: …`", "The manifest, the lock or the config does not say what it should: the place is shown, and often what was meant", fault.Usage)),
		on(func(c Context, e *manifest.EditError) []string {
			return []string{"edit " + c.Rel(e.File) + " by hand, then run " + c.Name + " sync"}
		}, told("`its entry is written in a way that only a person can edit`", "Edit the manifest by hand, then `plugin sync`", fault.Usage)),
		on(func(c Context, _ *resolve.UnknownPluginError) []string {
			return []string{"see what is required: " + c.Name + " tree"}
		}, told("`is neither in the manifest nor required by a driver in it`", "`plugin tree` shows what is required; `plugin add NAME` adds a driver", fault.Usage)),
		on(func(c Context, _ *lockfile.SizeError) []string {
			return []string{"take it back from git, or remove it and write it again: " + c.Name + " lock"}
		}, told("`is larger than … MiB`", "It is not a lock: take it back from git, or remove it and run `plugin lock`", fault.Usage)),
		on(func(c Context, e *manifest.NotListedError) []string {
			return []string{"see what the manifest lists: " + c.Name + " tree"}
		}),
		on(func(c Context, e *manifest.NotFoundError) []string {
			if e.File != "" && c.File != "" {
				return []string{"check the name behind --file, or write one: " + c.Name + " init -f " + c.Rel(e.File)}
			}
			return []string{"write one here: " + c.Name + " init", "or name it: " + c.Name + " --file PATH …"}
		}, told("`no schemahero-plugins.toml here or in a folder above`, `there is no such manifest`", "`plugin init` writes one; `--file PATH` names another", fault.Usage)),
		on(func(c Context, e *project.StaleError) []string {
			if e.Missing {
				return []string{"write it, then commit it: " + c.Name + " lock"}
			}
			return []string{"bring it up to date, then commit it: " + c.Name + " lock"}
		}, told("`out of date`, `there is no lock`", "`plugin lock`, then commit the lock", fault.Stale)),
		on(func(c Context, e *project.OverriddenError) []string {
			if e.CI {
				return []string{"nothing is overridden in CI: take " + e.Name + " out of [overrides] in " + c.Rel(filepath.Join(c.Home, "config.toml"))}
			}
			return []string{"install the locked one: take " + e.Name + " out of [overrides] in " + c.Rel(filepath.Join(c.Home, "config.toml"))}
		}, told("`is overridden by … on this machine`", "`[overrides]` in `HOME/config.toml` puts a driver under development in its place; `sync --locked`, `--frozen`, `--check` and CI take only what is locked. Take it out of `[overrides]`", fault.Stale)),
		on(func(c Context, _ *lockfile.UnmergedError) []string {
			return []string{"decide the conflict in the file by hand, or take a whole side of it, then run " + c.Name + " lock"}
		}, told("`conflict marker out of order`, `sides of the conflict: …`", "The sides of the lock cannot be told: decide the conflict by hand, or take a whole side, then `plugin lock`", fault.Usage)),
		on(func(c Context, _ *lockfile.ConflictError) []string {
			return []string{"merge it: " + c.Name + " lock"}
		}, told("`has conflict markers`", "`plugin lock` merges them driver by driver, git's and jj's; in a manifest a person decides", fault.Usage)),
		on(func(c Context, _ *lockfile.VersionError) []string {
			return []string{"upgrade this program, or write the lock again with this version: remove the file and run " + c.Name + " lock"}
		}, told("`written by a newer version`", "Upgrade this program", fault.Usage)),
		on(func(c Context, e *resolve.NoVersionError) []string {
			if e.Precise != "" && slices.ContainsFunc(e.Passed, func(s resolve.Skipped) bool { return s.Verdict == resolve.Age || s.Verdict == resolve.Undated }) {
				return []string{fmt.Sprintf(`wait, or take it all the same: write minimum-age = "0h" in the manifest's entry of %s`, e.Plugin)}
			}
			if e.Prerelease != "" && e.Pos.Line > 0 {
				return []string{fmt.Sprintf("take prereleases too: write %s = { version = %q, prerelease = true } in the manifest", e.Plugin, e.Constraint), "see what there is: " + c.Name + " versions " + e.Plugin}
			}
			return []string{"see what there is: " + c.Name + " versions " + e.Plugin, "and why each was passed over: " + c.Name + " why " + e.Plugin}
		}, told("`no version in … satisfies …`", "`plugin versions NAME` shows what there is, `plugin why NAME` why each tag was passed over. If only a prerelease would do, the hint writes `prerelease = true`", fault.Unsatisfied)),
		on(func(c Context, e *resolve.NoRepositoryError) []string {
			if e.Wants != "" {
				return []string{"see what there is: " + c.Name + " versions " + e.Plugin}
			}
			return []string{"check the name, or say where it is: " + c.Name + " add " + e.Plugin + " --registry HOST/PATH"}
		}, told("`no repository: … not found` (name unknown)", "Check the driver's name, or say where it is: `plugin add NAME --registry HOST/PATH`; of a download: `SCHEMAHERO_PLUGIN_REGISTRY=HOST/PATH plugin download NAME`, for a driver in `HOST/PATH-NAME`", fault.Unsatisfied)),
		on(platformHints, told("`serves no PLATFORM; the lock has …`", "If the manifest's `platforms` leaves it out, add it and run `plugin lock`. On macOS or Windows, where no release serves the machine: run the host in a Linux container, or build the driver with `plugin build NAME --install`", fault.Unsatisfied)),
		on(func(c Context, e *resolve.PlatformError) []string {
			return []string{"see which versions serve which platforms: " + c.Name + " versions " + e.Plugin}
		}, told("`has no PLATFORM, only …`", "The manifest's `platforms` asks for one that no version offers", fault.Unsatisfied)),
		on(func(c Context, e *resolve.ConflictError) []string {
			var out []string
			for _, s := range e.Suggestions {
				if s.Plugin != artifact.Host && s.Pos.Line == 0 { // what was to be added
					out = append(out, fmt.Sprintf("take another version: %s add %s@%s", c.Name, s.Plugin, s.To))
					continue
				}
				out = append(out, s.String())
			}
			if len(out) == 0 {
				out = append(out, "relax one of the constraints named above")
			}
			return out
		}, told("`Because … , version solving failed.`", "The hints name a constraint to relax", fault.Unsatisfied)),
		on(func(c Context, e *resolve.MovedError) []string {
			return []string{"find out who moved the tag; to accept what it names now: " + c.Name + " update --accept-moved " + e.Plugin}
		},
			told("`was moved: it now names DIGEST, locked is DIGEST`", "The tag was moved in the registry. Find out who moved it; `plugin update --accept-moved NAME` takes what it names now", fault.Stale, fault.Integrity),
			told("`has other content than what was locked from …`, `which was locked from …, is not in …`", "A warning: the manifest names another registry. What is locked was looked for there first; compare the two releases (`plugin inspect REF`) before you commit the lock"),
			told("`tag … was deleted`, `is kept, as it is locked`", "A warning, and 3 of `verify --remote` and `outdated --exit-code`: the registry has nothing to take in its place. Ask its owner for the tag, or take another version: `plugin update NAME --precise VERSION`"),
			told("`is not a tag of NAME VERSION for PLATFORM`", "The lock was edited, and would install another release under this one's name. Take back the lock that was right, and find out who changed it", fault.Usage),
			told("`refused, because the host would load other files`", "`plugin which NAME` shows who comes first; remove that file", fault.Stale)),
	}}
}

func platformHints(c Context, e *project.PlatformError) []string {
	if e.Declared {
		return []string{fmt.Sprintf("add %q to platforms in the manifest, then run %s lock", e.Platform, c.Name)}
	}
	out := []string{"see which versions serve which platforms: " + c.Name + " versions " + e.Name}
	if runtime.GOOS != "linux" {
		out = append(out, "where none serves this machine, run the host in a Linux container, or build the driver here and put it into plugins/bin")
	}
	return out
}

// isCause reports whether a problem of a file was found by an error of a type that
// meets a condition.
func isCause[E error](e *diag.Error, condition func(E) bool) bool {
	return slices.ContainsFunc(e.Problems, func(p diag.Problem) bool {
		cause, ok := errors.AsType[E](p.Cause)
		return ok && condition(cause)
	})
}
