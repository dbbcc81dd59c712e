package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// maxWithdrawals is how many referrers of a release are read to find what
// withdraws it.
const maxWithdrawals = 100

// Withdrawals reads what withdraws a digest, by the word of the first source that
// answers: one request, and one for each withdrawal. Those that cannot be read or
// understood are among them as Refused. Errors: the repository's for the list; a
// registry that refuses it has an *AuthError or *StatusError.
func Withdrawals(ctx context.Context, repo Repository, subject digest.Digest, now time.Time) ([]artifact.Withdrawal, error) {
	list, err := repo.ReferrersNear(ctx, subject)
	var out []artifact.Withdrawal
	switch {
	case errors.As(err, new(*LimitError)):
		out = append(out, artifact.Withdrawal{Refused: err})
	case errors.Is(err, artifact.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(d ocispec.Descriptor) bool { return typeRank(d) < 0 })
	slices.SortFunc(list, func(a, b ocispec.Descriptor) int {
		return cmp.Or(cmp.Compare(typeRank(a), typeRank(b)), cmp.Compare(a.Digest, b.Digest))
	})
	for i, d := range list {
		if i == maxWithdrawals {
			return append(out, artifact.Withdrawal{Refused: fmt.Errorf("at most %d referrers are read, and there are %d more", maxWithdrawals, len(list)-i)}), nil
		}
		if d.Size > artifact.MaxWithdrawal {
			if typeRank(d) == 0 {
				out = append(out, artifact.Withdrawal{Manifest: d.Digest, Refused: fmt.Errorf("has %d bytes, at most %d are read", d.Size, artifact.MaxWithdrawal)})
			}
			continue
		}
		desc, data, err := repo.Manifest(ctx, d.Digest.String())
		if err != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			if typeRank(d) == 0 {
				out = append(out, artifact.Withdrawal{Manifest: d.Digest, Refused: err})
			}
			continue
		}
		if w, ok := artifact.ReadWithdrawal(desc, data, subject, now); ok {
			out = append(out, w)
		}
	}
	return out, nil
}

// typeRank sorts what could be a withdrawal: 0 by its word, 1 where a registry
// gives the config's type or none for the artifact's, -1 if it is none.
func typeRank(d ocispec.Descriptor) int {
	switch d.ArtifactType {
	case artifact.TypeLifecycle:
		return 0
	case "", ocispec.MediaTypeEmptyJSON:
		return 1
	}
	return -1
}
