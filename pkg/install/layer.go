package install

import (
	"context"
	"io"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Layer is the blob that carries a driver for one platform, as a lock pins it.
type Layer struct {
	Plugin     string            // the driver's own name, not an alias
	Repository string            // where it is fetched from, host/path
	Platform   artifact.Platform //
	Digest     digest.Digest     // of the compressed bytes
	Size       int64             // of the compressed bytes
	File       string            // the layer's title, a bare file name
	Executable digest.Digest     // of the executable inside; "" where the release does not state it
}

// Fetcher opens layers. The bytes need not have been verified: the store holds
// them against the layer's digest and size itself.
type Fetcher interface {
	Fetch(ctx context.Context, l Layer) (io.ReadCloser, error)
}
