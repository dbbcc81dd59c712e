package cli

import (
	"errors"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/export"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// carryHints are those about bundles, mirrors and working without network.
func (a *app) carryHints(err error) []string {
	me := a.displayName()
	var (
		offline *registry.OfflineError
		missing *transfer.MissingError
		graph   *transfer.GraphError
		folder  *transfer.FolderError
		layout  *export.LayoutError
		bundle  *registry.BundleError
		damaged *registry.IntegrityError
	)
	switch {
	case errors.As(err, &offline) && a.source == nil:
		return []string{
			"where there is a network: " + me + " bundle create BUNDLE",
			"then here: " + me + " sync --from BUNDLE",
			"or leave --offline and SCHEMAHERO_PLUGIN_OFFLINE out",
		}
	case errors.As(err, &missing):
		return []string{"it was made from another lock, or for other platforms; from this lock, where there is a network: " + me + " bundle create " + missing.Source}
	case errors.As(err, &graph):
		return []string{"see what the registry holds: " + me + " verify --remote"}
	case errors.As(err, &folder):
		return []string{"name another folder, or an empty one"}
	case errors.As(err, &layout):
		return []string{"lock it from a registry, or copy the folder that sync --platform OS/ARCH --dir DIR writes"}
	case errors.As(err, &bundle), errors.As(err, &damaged) && a.source != nil:
		return []string{"nothing was installed; copy it again, and hold it against the original: " + me + " bundle verify FILE"}
	}
	return nil
}
