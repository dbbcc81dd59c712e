package artifact

import (
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// IntegrityError says that content is not what its digest or size promises.
type IntegrityError struct {
	Repository string
	ServedBy   string // host, or the layout or bundle; several with commas
	Digest     digest.Digest
	Got        digest.Digest // "" where the size already differed
	Size       int64         // bytes promised, -1 if not known
	GotSize    int64         // bytes seen, at least
	Problem    string        // where neither of them tells
}

func (e *IntegrityError) Error() string {
	problem := e.Problem
	switch {
	case problem != "":
	case e.Got != "":
		problem = "has digest " + e.Got.String()
	default:
		problem = fmt.Sprintf("size mismatch: %d bytes are expected, %d were sent", e.Size, e.GotSize)
	}
	text := Reference(e.Repository, e.Digest.String()) + ": " + problem
	if e.ServedBy != "" {
		text += " (served by " + e.ServedBy + ")"
	}
	return text
}

func (e *IntegrityError) Kind() fault.Kind { return fault.Integrity }

// TooLarge returns the error for a manifest of more than MaxManifest bytes.
func TooLarge(repository, servedBy string, d digest.Digest, size int64) *IntegrityError {
	return &IntegrityError{
		Repository: repository, ServedBy: servedBy, Digest: d, Size: MaxManifest, GotSize: size,
		Problem: fmt.Sprintf("is larger than the %d bytes that a manifest may have", MaxManifest),
	}
}
