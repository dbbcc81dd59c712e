package cli

import (
	"errors"
	"path/filepath"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/export"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// carryHints are those about bundles, mirrors and working without network.
func (a *app) carryHints(err error) []string {
	me := a.displayName()
	var (
		offline *registry.OfflineError
		missing *transfer.MissingError
		lacked  *ocilayout.MissingError
		nowhere *ocilayout.NoLayoutError
		target  *ocilayout.FileError
		graph   *transfer.GraphError
		limit   *transfer.LimitError
		folder  *ocilayout.FolderError
		layout  *export.LayoutError
		bundle  *ocilayout.Error
		damaged *artifact.IntegrityError
	)
	switch {
	case errors.As(err, &offline) && a.source == nil:
		return []string{
			"where there is a network: " + me + " bundle create BUNDLE",
			"then here: " + me + " sync --from BUNDLE",
			"or leave --offline and SCHEMAHERO_PLUGIN_OFFLINE out",
		}
	case errors.As(err, &missing) && missing.Vendored:
		return []string{"it is not whole, or for other platforms; from a lock that names registries, where there is a network: " + me + " bundle create " + a.ui.Rel(missing.Source)}
	case errors.As(err, &missing):
		return []string{"it was made from another lock, or for other platforms; from this lock, where there is a network: " + me + " bundle create " + a.ui.Rel(missing.Source)}
	case errors.As(err, &lacked):
		return []string{"it is not whole, or for other platforms; from a lock that names registries, where there is a network: " + me + " bundle create " + a.ui.Rel(lacked.Layout)}
	case errors.As(err, &nowhere):
		return []string{"check its name, or make it, from a lock that names registries: " + me + " bundle create " + a.ui.Rel(nowhere.Dir) + "/"}
	case errors.As(err, &target):
		return []string{"name another file, or remove this one first, if nobody needs it"}
	case errors.As(err, &graph):
		return []string{"see what the registry holds: " + me + " verify --remote"}
	case errors.As(err, &limit):
		return []string{"somebody has pushed more signatures, or the like, than anybody needs; see who may push to " + limit.Repository + ", and remove what nobody reads"}
	case errors.As(err, &folder):
		return []string{"name another folder, or an empty one"}
	case errors.As(err, &layout):
		return []string{"lock it from a registry, or copy the folder that sync --platform OS/ARCH --dir DIR writes"}
	case errors.As(err, &bundle) && bundle.NoLayout:
		return []string{"name a file or folder that " + me + " bundle create made"}
	case errors.As(err, &bundle):
		return []string{"copy it again, and hold it against the original: " + me + " bundle verify " + a.ui.Rel(bundle.Path)}
	case errors.As(err, &damaged) && filepath.IsAbs(damaged.ServedBy): // no host, but a layout
		return []string{"copy it again, and hold it against the original: " + me + " bundle verify " + a.ui.Rel(damaged.ServedBy)}
	}
	return nil
}
