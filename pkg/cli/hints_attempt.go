package cli

import (
	"errors"
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	plugins "github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// attemptHints are those about what failed without anything to show for it: a
// download, which is of no project, and an edit of the manifest, after which the
// manifest does not have what was to be added.
func (a *app) attemptHints(err error) []string {
	var download *plugins.DownloadError
	var edit *plugins.NotEditedError
	switch {
	case errors.As(err, &download):
		return a.downloadHints(download)
	case errors.As(err, &edit):
		return a.editHints(edit)
	}
	return nil
}

func (a *app) downloadHints(e *plugins.DownloadError) []string {
	again := a.displayName() + " download " + e.Name
	there := "see what there is: " + a.displayName() + " versions " + e.Name
	var noRepo *resolve.NoRepositoryError
	var noVer *resolve.NoVersionError
	switch {
	case errors.As(e, &noRepo):
		return []string{"check the name; of a driver in HOST/PATH-" + noRepo.Plugin + ": SCHEMAHERO_PLUGIN_REGISTRY=HOST/PATH " + again}
	case errors.As(e, &noVer) && noVer.Prerelease != "":
		return []string{"to take a prerelease, name it: " + again + "@" + noVer.Prerelease, there}
	case errors.As(e, &noVer), errors.As(e, new(*resolve.ConflictError)):
		return []string{there}
	case len(foreignPaths(e)) > 0:
		return []string{"it is not the driver to be installed; to overwrite it: " + again + " --force", "to keep it, move it elsewhere"}
	case isItem(e) && fault.Of(e) == fault.Integrity:
		return []string{"nothing of it was kept; fetch again: " + again, "if it happens again, tell the registry's owner"}
	}
	return nil
}

func (a *app) editHints(e *plugins.NotEditedError) []string {
	me := a.displayName()
	var noVer *resolve.NoVersionError
	switch {
	case errors.As(e, &noVer):
		hints := []string{"see what there is: " + me + " versions " + noVer.Plugin}
		if noVer.Prerelease != "" {
			hints = append([]string{fmt.Sprintf("take prereleases too: write %s = { version = %q, prerelease = true } in the manifest", noVer.Plugin, noVer.Constraint)}, hints...)
		}
		return hints
	case len(foreignPaths(e)) > 0:
		return []string{"it is not the driver to be installed; to overwrite it, run this with --no-sync, then " + me + " sync --force", "to keep it, move it elsewhere"}
	case isItem(e) && fault.Of(e) == fault.Integrity:
		return []string{"nothing was changed; try again", "if it happens again, tell the registry's owner"}
	}
	return nil
}

func isItem(err error) bool { return len(install.Failures(err)) > 0 }
