package project

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/resolve"
)

// ruled is the catalog under the trust rules of a manifest, which decide which
// withdrawals count.
type ruled struct {
	*catalog
	manifest *manifest.Manifest // nil if there is none
}

func (p *Project) under(m *manifest.Manifest) resolve.Catalog { return ruled{p.catalog, m} }

// Withdrawals implements resolve.Catalog. Without a rule that asks for a
// signature it is advice, and a registry that does not give it is one without. With
// one, who withholds it may be who is not to be trusted.
func (c ruled) Withdrawals(ctx context.Context, plugin, repository string, root digest.Digest) ([]artifact.Withdrawal, error) {
	repo, err := c.o.repository(repository)
	if err != nil {
		return nil, err
	}
	found, err := c.withdrawals.get(repository+"@"+root.String(), func() ([]artifact.Withdrawal, error) {
		return registry.Withdrawals(ctx, repo, root, c.o.Now())
	})
	switch {
	case err == nil:
	case ctx.Err() != nil, c.o.asking(c.manifest, repository) != nil:
		return nil, err
	case refusal(err):
		return nil, nil
	default:
		return []artifact.Withdrawal{{Refused: err}}, nil
	}
	found = slices.Clone(found)
	for i := range found {
		if found[i].Refused == nil {
			if found[i].Refused, err = c.o.Unsigned(ctx, c.manifest, plugin, repo, found[i].Manifest); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// Unsigned returns why a manifest that refers to a release, a withdrawal or an SBOM,
// does not count under the trust rules of a manifest, nil for none, and of the
// machine: it must be signed as the release must. Errors: the repository's.
func (o Options) Unsigned(ctx context.Context, m *manifest.Manifest, plugin string, repo registry.Repository, referrer digest.Digest) (refused, err error) {
	entry := lockfile.Plugin{Name: plugin, Repository: repo.Name(), Digest: referrer, Platforms: []lockfile.Platform{{Manifest: referrer}}}
	switch {
	case o.Verifier != nil:
		_, err = o.Verifier.Verify(ctx, Verification{Manifest: m, Entry: entry, Repository: repo})
	case o.asking(m, repo.Name()) != nil:
		err = &RefusedError{plugin, errors.New("this program cannot verify signatures")}
	}
	if r, ok := errors.AsType[*RefusedError](err); ok {
		text, _, _ := strings.Cut(r.Err.Error(), "\n") // every signature that was found is trust show's to list
		return errors.New(strings.TrimPrefix(text, repo.Name()+"@"+referrer.String()+": ")), nil
	}
	return nil, err
}

// refusal reports whether a registry answers, and does not tell who refers to
// anything.
func refusal(err error) bool {
	var status *registry.StatusError
	return errors.As(err, new(*registry.AuthError)) || errors.As(err, &status) && status.Status < http.StatusInternalServerError
}

// Withdrawn is a locked driver, and what withdrew its release.
type Withdrawn struct {
	Entry lockfile.Plugin
	By    artifact.Withdrawal
}

// String returns "postgres 0.1.2: was withdrawn on DATE: REASON".
func (w Withdrawn) String() string {
	return w.Entry.Name + " " + w.Entry.Version + ": " + w.By.String()
}

// Withdrawn asks which of the locked drivers were withdrawn. Errors: those of
// reading manifest and lock, the Registry's.
func (p *Project) Withdrawn(ctx context.Context) ([]Withdrawn, error) {
	in, err := p.load(nil, true)
	if err != nil || in.lock == nil {
		return nil, err
	}
	return p.withdrawn(ctx, in)
}

func (p *Project) withdrawn(ctx context.Context, in *inputs) (out []Withdrawn, err error) {
	entries := in.lock.Plugins
	found := make([]*artifact.Withdrawal, len(entries))
	err = parallel.Each(ctx, len(entries), maxRequests, func(i int) error {
		all, err := resolve.Withdrawals(ctx, p.under(in.manifest), &entries[i])
		found[i] = artifact.Withdrawn(all)
		return err
	})
	for i, w := range found {
		if w != nil {
			out = append(out, Withdrawn{entries[i], *w})
		}
	}
	return out, err
}

// Withdrawals returns what withdraws a digest of a repository under the rules of a
// manifest, nil for none, and of the machine; counted or not. Errors: the
// repository's.
func (o Options) Withdrawals(ctx context.Context, m *manifest.Manifest, plugin, repository string, root digest.Digest) ([]artifact.Withdrawal, error) {
	return ruled{&catalog{o: o}, m}.Withdrawals(ctx, plugin, repository, root)
}
