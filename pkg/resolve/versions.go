package resolve

import (
	"context"
	"errors"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// VersionInfo is a row of the compatibility matrix.
type VersionInfo struct {
	Version   string
	Tag       string               // for all platforms; "" if there is none
	Digest    digest.Digest        // of what Tag names; "" without one
	Platforms []artifact.Platform  // that the release serves, sorted
	Requires  map[string]string    // constraints by plugin name, artifact.Host for the host
	Created   time.Time            // zero if the release does not say
	Builds    []artifact.Build     // of the declared platforms, or of all where none are
	Others    []artifact.Build     // of the same platforms, packed otherwise
	Locked    bool                 // the lock has this version
	Moved     bool                 // and its tag names something else now
	Withdrawn *artifact.Withdrawal // by its publisher; nil if it was not
	Stated    error                // *artifact.StatedError if the release states another version or name
	Problem   error                // why the release cannot be read, nil if it can: *artifact.FormatError or one that matches artifact.ErrNotFound
}

// VersionList is what there is of a plugin.
type VersionList struct {
	Repository string
	Versions   []VersionInfo    // newest first
	Strays     []artifact.Stray // floating tags that do not name what the versions say
}

// Versions returns what there is of a plugin, newest first, at most limit
// versions where that is positive. Each release is read. The manifest need not
// list the plugin; without an entry it is looked for as a required one.
// Errors: *NoRepositoryError, the Catalog's.
func Versions(ctx context.Context, c Catalog, o Options, name string, limit int) (*VersionList, error) {
	r := newResolver(c, o)
	p := &plugin{name: name}
	p.entry, p.listed = o.Manifest.Plugin(name)
	if err := r.listTags(ctx, p); err != nil {
		return nil, err
	}
	versions := p.versions
	if limit > 0 && limit < len(versions) {
		versions = versions[:limit]
	}
	infos := make([]VersionInfo, len(versions))
	err := parallel.Each(ctx, len(versions), 0, func(i int) error {
		c := versions[i].candidate
		infos[i] = VersionInfo{Version: versions[i].id, Tag: c.Tag, Platforms: tagPlatforms(c)}
		return r.limit.Do(ctx, func() error {
			release, err := artifact.ReadFor(ctx, p.reader, name, c, o.Manifest.Platforms)
			var format *artifact.FormatError
			switch {
			case errors.As(err, &format), errors.Is(err, artifact.ErrNotFound):
				infos[i].Problem = err
				return nil
			case err != nil:
				return err
			}
			infos[i].fill(release)
			if infos[i].Others, err = artifact.ReadOthers(ctx, p.reader, release); err != nil {
				return err
			}
			found, err := withdrawals(ctx, r.catalog, name, p.repository, release.Roots())
			infos[i].Withdrawn = artifact.Withdrawn(found)
			return err
		})
	})
	if l, ok := o.Locked.Plugin(name); ok && l.Repository == p.repository && ownTag(l) {
		for i := range infos {
			infos[i].Locked = infos[i].Version == l.Version
			infos[i].Moved = infos[i].Locked && infos[i].Problem == nil && infos[i].Digest != l.Digest
			for _, b := range infos[i].Builds {
				q, ok := l.Platform(b.Platform)
				infos[i].Moved = infos[i].Moved || infos[i].Locked && ok && q.Manifest != b.Manifest && q.Manifest != b.Other
			}
		}
	}
	list := &VersionList{Repository: p.repository, Versions: infos}
	if err == nil {
		list.Strays, err = artifact.Strays(ctx, p.reader, p.tags)
	}
	return list, err
}

func (v *VersionInfo) fill(release *artifact.Release) {
	v.Digest, v.Platforms, v.Requires = release.Digest, release.Offered, release.Requires
	v.Created, v.Builds = release.Created, release.Builds
	v.Stated = release.CheckStated(v.Version)
}
