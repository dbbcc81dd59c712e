package resolve

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// Behind compares what is locked of one plugin with what there is. Versions are
// named by a tag or digest if a release states none.
type Behind struct {
	Plugin     string
	Repository string
	Current    string // locked; "" if the lock does not have the plugin
	Wanted     string // what an update would take
	Latest     string // the newest that there is, admitted or not; no prerelease, unless prerelease = true or there is nothing else
	Digest     bool   // Wanted is another content under the same name: a floating tag that moved
	Kept       string // why an update would keep what is locked though the registry has nothing to take in its place; "" for any other reason
	Moved      []Moved
	Withdrawn  *artifact.Withdrawal // of what is locked; nil if it was not
}

// Outdated reports whether the plugin is behind: its latest is newer, an update
// would change it, or its tag moved.
func (b Behind) Outdated() bool {
	return b.Current != b.Wanted || b.Digest || len(b.Moved) > 0 || isNewer(b.Latest, b.Current)
}

// isNewer reports whether version a is newer than b; false where either is none.
func isNewer(a, b string) bool {
	v, err := semver.StrictNewVersion(a)
	if err != nil {
		return false
	}
	w, err := semver.StrictNewVersion(b)
	return err == nil && artifact.CompareVersions(v, w) > 0
}

// Outdated compares the lock with what an update of everything would take and
// with the newest that there is, plugins by name. The Upgrade options count as
// set. Errors: as Resolve.
func Outdated(ctx context.Context, c Catalog, o Options) ([]Behind, error) {
	o.UpgradeAll, o.CheckMoved = true, true
	r := newResolver(c, o)
	a, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	solution, err := a.solveOrExplain(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(solution))
	out := make([]Behind, len(names))
	err = parallel.Each(ctx, len(names), 0, func(i int) (err error) {
		out[i], err = a.behind(ctx, names[i], solution[names[i]])
		return err
	})
	return out, err
}

// behind compares one plugin.
func (a *attempt) behind(ctx context.Context, name, wanted string) (Behind, error) {
	p := a.plugin(name)
	b := Behind{Plugin: name, Wanted: wanted, Latest: wanted}
	if l, ok := a.o.Locked.Plugin(name); ok {
		b.Current = versionID(l.Version, l.Tag, l.Digest)
		b.Repository = l.Repository
		found, err := Withdrawals(ctx, a.catalog, l)
		if err != nil {
			return b, err
		}
		b.Withdrawn = artifact.Withdrawn(found)
	}
	for _, m := range a.moved {
		if m.Plugin == name {
			b.Moved = append(b.Moved, m)
		}
	}
	if p.entry.Digest != "" {
		return b, nil
	}
	err := a.list(ctx, p)
	b.Kept = a.fallbackReason(p, wanted)
	if errors.As(err, new(*NoRepositoryError)) && b.Kept != "" {
		return b, nil
	}
	if err != nil {
		return b, err
	}
	if b.Kept == "" {
		b.Repository = p.repository
	}
	if p.entry.Tag != "" {
		release := p.versions[0].release
		b.Digest = p.locked != nil && release != nil && !p.isLocked(release) && b.Kept == ""
		return b, nil
	}
	if latest := p.latest(); latest != "" && !isNewer(wanted, latest) {
		b.Latest = latest
	}
	return b, nil
}

// latest returns the newest version of all, stable ones before prereleases; not one
// that is known to be withdrawn.
func (p *plugin) latest() string {
	for _, v := range p.versions {
		if v.reason != nil && v.reason.verdict == Withdrawn {
			continue
		}
		if p.entry.Prerelease || v.semver.Prerelease() == "" {
			return v.id
		}
	}
	if len(p.versions) > 0 {
		return p.versions[0].id
	}
	return ""
}
