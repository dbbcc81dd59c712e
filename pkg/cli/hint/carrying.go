package hint

import (
	"path/filepath"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/config"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/export"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/ocilayout"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/transfer"
)

// carrying are the errors about bundles, mirrors and working without network.
func carrying() section {
	whole := "it is not whole, or for other platforms; from a lock that names registries, on a machine with a network: "
	again := func(c Context, file string) []string {
		return []string{"copy it again, then verify the copy: " + c.Name + " bundle verify " + c.Rel(file)}
	}
	return section{title: "Mirrors and bundles", rows: []row{
		on(func(c Context, e *transfer.DisagreementError) []string {
			return []string{"find out whether the tag was moved: " + c.Name + " verify --remote, in each of the projects", "or make a bundle for each project"}
		}, told("`the locks have different content for it`", "Its tag was moved between the two locks, or one was edited: `plugin verify --remote` in each project, or a bundle for each", fault.Integrity)),
		on(func(c Context, _ *registry.OfflineError) []string {
			if c.From {
				return nil
			}
			return []string{
				"on a machine with a network: " + c.Name + " bundle create BUNDLE",
				"then here: " + c.Name + " sync --from BUNDLE",
				"or drop --offline and unset SCHEMAHERO_PLUGIN_OFFLINE",
			}
		}, told("`not available offline`", "Carry the drivers here: `plugin bundle create FILE` on a machine with a network, `plugin sync --from FILE` here. `login`, `search`, `inspect`, `push` and `tag` need the registry: leave `--offline` out", fault.Failure)),
		on(func(c Context, e *transfer.MissingError) []string {
			if e.Vendored {
				return []string{whole + c.Name + " bundle create " + c.Rel(e.Source)}
			}
			return []string{"it was made from another lock, or for other platforms; from this lock, on a machine with a network: " + c.Name + " bundle create " + c.Rel(e.Source)}
		},
			told("`lacks what the lock has of NAME`", "The bundle was made from another lock or for other platforms: make one from this lock", fault.Failure),
			told("`incomplete, N items could not be carried`", "Each is told in a warning above; the rest was carried", fault.Failure),
			told("`the target's tag … names …, not …`", "Somebody pushed another release under that version. Find out who, or use another target", fault.Failure),
			told("`refused without its other platforms`", "The registry takes no index of which something is missing: mirror without `--platform`", fault.Failure)),
		on(func(c Context, e *ocilayout.MissingError) []string {
			return []string{whole + c.Name + " bundle create " + c.Rel(e.Layout)}
		}, told("`DIR: lacks oci-layout:…`", "The layout in the repository is for other platforms, or not whole: make it again, with `plugin bundle create DIR` and a lock that names registries", fault.Failure)),
		on(func(c Context, e *ocilayout.NoLayoutError) []string {
			return []string{"check its name, or make it, from a lock that names registries: " + c.Name + " bundle create " + c.Rel(e.Dir) + "/"}
		}, told("`oci-layout:…: DIR does not exist`", "The manifest's `oci-layout:` names it: check the name, or make it with `plugin bundle create DIR/`", fault.Failure)),
		on(func(c Context, e *ocilayout.NotFoundError) []string {
			return []string{"see what there is: " + c.Name + " versions " + manifest.NameIn(e.Repository)}
		}),
		on(func(_ Context, _ *ocilayout.FileError) []string {
			return []string{"name another file, or remove this one first, if nobody needs it"}
		}, told("`already exists and is not a bundle`", "Only an earlier bundle is replaced: name another file, or remove this one", fault.Failure)),
		on(func(c Context, _ *transfer.GraphError) []string {
			return []string{"see what the registry holds: " + c.Name + " verify --remote"}
		}, told("`does not follow from`, `is not what the locked digest leads to`", "The lock was edited, or the registry holds something else: `plugin verify --remote`", fault.Integrity)),
		on(func(_ Context, e *transfer.LimitError) []string {
			return []string{"somebody has pushed more signatures, or the like, than anybody needs; see who may push to " + e.Repository + ", and remove what nobody reads"}
		}, told("`more than … belong to it`", "At most 1,000 manifests and 64 MiB of them are carried of a release. Somebody has pushed more signatures, or the like, than anybody needs: see who may push there", fault.Integrity)),
		on(func(_ Context, _ *ocilayout.FolderError) []string {
			return []string{"name another folder, or an empty one"}
		}, told("`is neither empty nor an OCI image layout`", "What the lock does not name would be removed from it: name another folder", fault.Failure)),
		on(func(_ Context, e *config.EditError) []string {
			return []string{"write the line into " + e.File + " by hand"}
		}, told("`config.toml: …: its line is written in a way that only a person can edit`", "`mirror` has printed the line that `--write-config` would write: write it by hand", fault.Usage)),
		on(func(_ Context, _ *export.LayoutError) []string {
			return []string{"lock it from a registry, or copy the folder that sync --platform OS/ARCH --dir DIR writes"}
		}),
		on(func(c Context, e *ocilayout.Error) []string {
			if e.NoLayout {
				return []string{"name a file or folder that " + c.Name + " bundle create made"}
			}
			return again(c, e.Path)
		}, told("`is cut off`, `is damaged`, `is missing`, `is incomplete`, `lacks the lock`, `which nothing in it names`, `leads out of it`", "Nothing was installed. Copy the bundle again; `plugin bundle verify FILE` on both sides tells where it broke", fault.Integrity)),
		on(func(c Context, e *artifact.IntegrityError) []string {
			if !filepath.IsAbs(e.ServedBy) { // a host, not a layout
				return nil
			}
			return again(c, e.ServedBy)
		}),
	}}
}
