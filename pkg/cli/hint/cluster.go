package hint

import (
	"errors"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// cluster are the errors about what the lock is to clusters.
func cluster() section {
	return section{title: "Clusters", rows: append([]row{
		on(func(c Context, e *image.OtherError) []string {
			return []string{"push the lock's: " + c.Name + " image push " + e.Repository}
		}, told("`is not the image of LOCK`", "The lock has changed since, or somebody pushed another image: `plugin image push REF`, and write the policy again", fault.Stale)),
		on(func(c Context, _ *image.UnknownError) []string {
			return []string{"read them, once: " + c.Name + " image push REF"}
		},
			told("`not known before these layers have been read`", "The image's digest follows from what is in the layers: `plugin image push REF` reads them, once", fault.Failure)),
		on(func(c Context, e *image.SignError) []string {
			return append(For(c, e.Err), "then push again, with the same key: what was sent is kept")
		}),
		on(func(c Context, _ *image.OptionError) []string {
			return []string{"see " + c.Name + " export kubernetes --help"}
		}),
		on(func(c Context, _ *image.NoPlatformError) []string {
			return []string{"add what containers run to platforms in the manifest, like \"linux/amd64\", then run " + c.Name + " lock"}
		},
			told("`the lock has no driver for linux`", "Containers run linux: add `linux/amd64` or `linux/arm64` to the manifest's `platforms`", fault.Unsatisfied)),
		on(func(c Context, e *image.LayerError) []string {
			if e.Kind() != fault.Integrity {
				return nil
			}
			if errors.As(e.Err, new(*unpack.Error)) { // the layer's own digest was right
				return []string{"nothing was sent; the layer was published like this: tell its publisher, or lock another version: " + c.Name + " versions " + e.Plugin}
			}
			return []string{"nothing was sent; if it happens again, the registry does not hold what was locked: tell its owner"}
		}),
		on(func(c Context, e *image.PathError) []string {
			return []string{"give each an image of its own, or drop one: " + c.Name + " remove " + e.Plugins[1]}
		},
			told("`… both claim the path …`", "In one image a driver's file would take another's place: give each a lock, and an image, of its own", fault.Failure)),
		on(func(c Context, _ *image.TakenError) []string {
			return []string{"give the image a repository of its own: " + c.Name + " image push HOST/PATH/drivers:TAG"}
		},
			told("`the repository holds releases of …`, `names something that is not a container image`, `would be taken for a release`", "Push the image to a repository of its own: who looks for a release there would find it", fault.Failure)),
		on(func(Context, *image.BaseError) []string {
			return []string{"name a container image, such as the operator's: --base IMAGE"}
		},
			told("`base …: is not a container image`", "Name an image with `--base`, such as the operator's: a driver's release is none", fault.Failure)),
		on(func(_ Context, e *image.BasePlatformError) []string {
			out := []string{"take a base that has it: --base IMAGE"}
			if len(e.Both) > 0 {
				out = append(out, "or leave it out: --platform "+strings.ReplaceAll(artifact.JoinPlatforms(e.Both), ", ", " --platform "))
			}
			return out
		},
			told("`base …: has no image for …`", "Take a base that has the platform, or name those that it has with `--platform`", fault.Unsatisfied)),
	}, asking()...)}
}
