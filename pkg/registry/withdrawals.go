package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Withdrawals reads what withdraws a digest. Those that cannot be read or
// understood are among them as Refused. What the first source that answers says is
// taken, as for tags. Errors: those of Refer.
func Withdrawals(ctx context.Context, repo Repository, subject digest.Digest, now time.Time) ([]artifact.Withdrawal, error) {
	found, more, err := Refer(ctx, repo, repo.ReferrersNear, subject, artifact.TypeLifecycle, artifact.MaxWithdrawal)
	var out []artifact.Withdrawal
	for _, r := range found {
		if r.Err != nil && r.Typed {
			refused := r.Err
			if limit, ok := errors.AsType[*LimitError](r.Err); ok {
				refused = fmt.Errorf("has more than %d %s", limit.Limit, limit.What) // Subject is Manifest
			}
			out = append(out, artifact.Withdrawal{Manifest: r.Desc.Digest, Refused: refused})
		}
		if r.Err != nil {
			continue
		}
		if w, ok := artifact.ReadWithdrawal(r.Desc, r.Data, subject, now); ok {
			out = append(out, w)
		}
	}
	if more != nil {
		out = append(out, artifact.Withdrawal{Refused: more})
	}
	return out, err
}
