package resolve

import (
	"context"
	"slices"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// Withdrawals returns what withdraws a lock entry, counted or not. What is locked
// stays; it is only told. Errors: the Catalog's.
func Withdrawals(ctx context.Context, c Catalog, entry *lockfile.Plugin) ([]artifact.Withdrawal, error) {
	return withdrawals(ctx, c, entry.Name, entry.Repository, entry.Roots())
}

// Instead returns the version of a plugin that Resolve would take if the plugin were
// not locked, "" for none, and whether it is newer than the locked one: an update takes
// no other unless it is named. Errors: those of Explain.
func Instead(ctx context.Context, c Catalog, o Options, name string) (version string, newer bool, err error) {
	entry, ok := o.Locked.Plugin(name)
	if !ok {
		return "", false, nil
	}
	o.Locked = &lockfile.Lock{Plugins: slices.DeleteFunc(slices.Clone(o.Locked.Plugins), func(p lockfile.Plugin) bool { return p.Name == name })}
	e, err := Explain(ctx, c, o, name)
	if err != nil || e.Taken == entry.Version {
		return "", false, err
	}
	return e.Taken, isNewer(e.Taken, entry.Version), nil
}

// withdrawals asks about each root: in the tags layout one that is withdrawn
// spoils the release.
func withdrawals(ctx context.Context, c Catalog, name, repository string, roots []digest.Digest) ([]artifact.Withdrawal, error) {
	found := make([][]artifact.Withdrawal, len(roots))
	err := parallel.Each(ctx, len(roots), 0, func(i int) (err error) {
		found[i], err = c.Withdrawals(ctx, name, repository, roots[i])
		return err
	})
	return slices.Concat(found...), err
}

// withdrawn asks whether a release that could be taken was withdrawn. What is
// locked was taken before, and what a digest names was chosen by a person: that
// is told and no reason against it.
func (r *resolver) withdrawn(ctx context.Context, p *plugin, v *version) error {
	if v.reason != nil || p.isLocked(v.release) || !r.hostSupports(v.release) {
		return nil
	}
	err := r.limit.Do(ctx, func() (err error) {
		v.withdrawals, err = withdrawals(ctx, r.catalog, p.name, p.repository, v.release.Roots())
		return err
	})
	switch w := artifact.Withdrawn(v.withdrawals); {
	case w != nil && p.entry.Digest == "":
		v.reason = &reason{Withdrawn, w.String(), w.String()}
	case w != nil:
		r.note(p.name, "%s, which the manifest names by its digest, %s", v.id, w)
	default:
		for _, w := range v.withdrawals {
			if w.Refused != nil && w.Manifest == "" {
				r.note(p.name, "whether %s was withdrawn is not known: %v", v.id, w.Refused)
			}
		}
	}
	return err
}

// hostSupports reports whether the manifest's host is one that a release supports.
func (r *resolver) hostSupports(release *artifact.Release) bool {
	text, ok := release.Requires[artifact.Host]
	return !ok || r.o.Manifest.SchemaHero == nil || hostMeets(r.o.Manifest.SchemaHero, text)
}
