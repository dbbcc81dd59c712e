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

// maxReferring is how many referrers of one artifact type are read.
const maxReferring = 100

// Referring is a manifest that refers to another, as it was read.
type Referring struct {
	Desc  ocispec.Descriptor
	Data  []byte
	Err   error // why it was not read, nil where it was
	Typed bool  // listed with the artifact type that was asked for, and not perhaps of it
}

// Lister is Referrers or ReferrersNear of a Repository.
type Lister func(ctx context.Context, subject digest.Digest) ([]ocispec.Descriptor, error)

// Refer reads those manifests that refer to a digest and could be of an artifact
// type: one request, and one for each. list is one of repo's ways to list them. max is the size over which one is not read, in bytes. more is an error where
// there are too many. Errors: the repository's for the list; a registry that
// refuses it has an *AuthError or *StatusError.
func Refer(ctx context.Context, repo Repository, list Lister, subject digest.Digest, artifactType string, max int64) (found []Referring, more, err error) {
	// Some registries give the config's type, or none, for the artifact's.
	rank := func(d ocispec.Descriptor) int {
		return slices.Index([]string{artifactType, "", ocispec.MediaTypeEmptyJSON}, d.ArtifactType)
	}
	listed, err := list(ctx, subject)
	switch {
	case errors.As(err, new(*LimitError)):
		more = err
	case errors.Is(err, artifact.ErrNotFound):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	}
	listed = slices.DeleteFunc(slices.Clone(listed), func(d ocispec.Descriptor) bool { return rank(d) < 0 })
	slices.SortFunc(listed, func(a, b ocispec.Descriptor) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Digest, b.Digest))
	})
	if len(listed) > maxReferring {
		listed, more = listed[:maxReferring], &LimitError{Subject: repo.Name() + "@" + subject.String(), What: "referrers of one kind", Limit: maxReferring}
	}
	for _, d := range listed {
		r := Referring{Desc: d, Typed: rank(d) == 0}
		if d.Size > max {
			r.Err = &LimitError{Subject: d.Digest.String(), What: "bytes", Limit: int(max)}
		} else {
			r.Desc, r.Data, r.Err = repo.Manifest(ctx, d.Digest.String())
			r.Desc.Digest = d.Digest
		}
		if r.Err != nil && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		found = append(found, r)
	}
	return found, more, nil
}

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
