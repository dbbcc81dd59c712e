package hint

import (
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/image"
)

// cluster are the errors about what the lock is to clusters.
func cluster() section {
	return section{title: "Clusters", rows: append([]row{
		on(func(c Context, e *image.OtherError) []string {
			return []string{"push the lock's: " + c.Name + " image push " + e.Repository}
		}, told("`is not the image of LOCK`", "The lock has changed since, or somebody pushed another image: `plugin image push REF`, and write the policy again", fault.Stale)),
		on(func(Context, *image.UnknownError) []string { return nil },
			told("`not known before these layers have been read`", "The image's digest follows from what is in the layers: `plugin image push REF` reads them, once", fault.Failure)),
		on(func(Context, *image.NoPlatformError) []string { return nil },
			told("`the lock has no driver for linux`", "Containers run linux: add `linux/amd64` or `linux/arm64` to the manifest's `platforms`", fault.Unsatisfied)),
	}, asking()...)}
}
