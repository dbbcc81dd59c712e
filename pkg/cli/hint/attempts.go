package hint

import (
	"errors"
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/install"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/project"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// attempts are about what failed without anything to show for it: a download, which
// is of no project, and an edit of the manifest, after which the manifest does not
// have what was to be added. Beneath is an error of another row.
func attempts() section {
	return section{rows: []row{on(downloadHints), on(editHints)}}
}

func downloadHints(c Context, e *project.DownloadError) []string {
	again := c.Name + " download " + e.Name
	there := "see what there is: " + c.Name + " versions " + e.Name
	var noRepo *resolve.NoRepositoryError
	var noVer *resolve.NoVersionError
	switch {
	case errors.As(e, &noRepo):
		return []string{"check the name; of a driver in HOST/PATH-" + noRepo.Plugin + ": SCHEMAHERO_PLUGIN_REGISTRY=HOST/PATH " + again}
	case errors.As(e, &noVer) && noVer.Prerelease != "":
		return []string{"to take a prerelease, name it: " + again + "@" + noVer.Prerelease, there}
	case errors.As(e, &noVer), errors.As(e, new(*resolve.ConflictError)):
		return []string{there}
	case isForeign(e):
		return []string{"this file is not the locked driver; to replace it: " + again + " --force", "to keep it, move it elsewhere"}
	case isItem(e) && fault.Of(e) == fault.Integrity:
		return []string{"the download was discarded; try again: " + again, "if it happens again, tell the registry's owner"}
	}
	return nil
}

func editHints(c Context, e *project.NotEditedError) []string {
	var noVer *resolve.NoVersionError
	switch {
	case errors.As(e, &noVer):
		hints := []string{"see what there is: " + c.Name + " versions " + noVer.Plugin}
		if noVer.Prerelease != "" {
			hints = append([]string{fmt.Sprintf("take prereleases too: write %s = { version = %q, prerelease = true } in the manifest", noVer.Plugin, noVer.Constraint)}, hints...)
		}
		return hints
	case isForeign(e):
		return []string{"it is not the driver to be installed; to overwrite it, run this with --no-sync, then " + c.Name + " sync --force", "to keep it, move it elsewhere"}
	case isItem(e) && fault.Of(e) == fault.Integrity:
		return []string{"nothing was changed; try again", "if it happens again, tell the registry's owner"}
	}
	return nil
}

func isItem(err error) bool { return len(install.Failures(err)) > 0 }

// isForeign reports whether a file that this program did not install is in the way.
func isForeign(err error) bool {
	for _, f := range install.Failures(err) {
		if errors.As(f.Err, new(*install.ForeignError)) {
			return true
		}
	}
	return false
}
