package trust

import "github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"

// Signer is who signed.
type Signer = artifact.Signer
