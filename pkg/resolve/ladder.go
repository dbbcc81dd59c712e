package resolve

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pubgrub"
)

// ladder rules on all the tags of a plugin, for an Explanation.
type ladder struct {
	*attempt
	p        *plugin
	e        *Explanation
	solution map[string]string // nil where there is none
	tags     []string
}

func (l *ladder) climb(ctx context.Context) error {
	p, e := l.p, l.e
	e.Kept = e.Taken != "" && (l.stays(p, e.Taken) || e.Taken == l.preferred(p))
	if l.frozen[p.name] {
		p.listing.Do(func() { p.listErr = l.listAt(ctx, p, p.locked.Repository) })
	}
	var none *NoRepositoryError
	switch err := l.list(ctx, p); {
	case errors.As(err, &none):
		return l.places(ctx)
	case err != nil:
		return err
	}
	e.Repository = p.repository
	if l.tags = p.tags; p.tags == nil {
		if err := l.limit.Do(ctx, func() (err error) { l.tags, err = l.catalog.Tags(ctx, p.repository); return err }); err != nil {
			return err
		}
	}
	l.tags = slices.Compact(slices.Sorted(slices.Values(l.tags))) // some registries say one twice
	if err := l.places(ctx); err != nil {
		return err
	}
	if p.entry.Tag != "" || p.entry.Digest != "" {
		l.byReference()
		return nil
	}
	reasons, err := l.versions(ctx)
	if err != nil {
		return err
	}
	l.rule(reasons)
	l.next(reasons)
	return nil
}

// listAt lists the versions of one repository.
func (r *resolver) listAt(ctx context.Context, p *plugin, repository string) (err error) {
	p.repository = repository
	if p.reader, err = r.catalog.Reader(repository); err != nil {
		return err
	}
	err = r.limit.Do(ctx, func() error { p.tags, err = r.catalog.Tags(ctx, repository); return err })
	p.versions, p.byText = nil, map[string]*version{}
	for _, c := range artifact.Candidates(p.tags) {
		v := &version{text: c.Version.String(), semver: c.Version, candidate: c}
		p.versions = append(p.versions, v)
		p.byText[v.text] = v
	}
	return err
}

// versions returns what became of each version of the plugin.
func (l *ladder) versions(ctx context.Context) (map[string]*reason, error) {
	above := true // nothing that is as new was taken
	var unread []*version
	reasons := map[string]*reason{}
	for _, v := range l.p.versions {
		if l.e.Kept && !l.p.newerThan(v.semver, l.e.Taken) {
			above = false // also where the tag of what is kept is there no more
		}
		switch {
		case v.text == l.e.Taken:
			above = false
			reasons[v.text] = &reason{verdict: Taken}
			if l.e.Kept {
				reasons[v.text].detail = "is locked"
			}
		case !l.mayTake(l.p, v):
			reasons[v.text] = l.keptOut(v)
		case !above:
			reasons[v.text] = &reason{verdict: Older}
		default:
			unread = append(unread, v)
		}
	}
	err := parallel.Join(parallel.Each(ctx, len(unread), 0, func(i int) error { return l.read(ctx, l.p, unread[i]) }))
	if err != nil {
		return nil, err
	}
	for _, v := range unread {
		if reasons[v.text], err = l.above(ctx, v); err != nil {
			return nil, err
		}
	}
	return reasons, nil
}

// keptOut tells why the manifest does not admit a version.
func (l *ladder) keptOut(v *version) *reason {
	if v.semver.Prerelease() != "" && !l.p.entry.Prerelease {
		widened := parseConstraint(l.p.entry.Version, true)
		if widened == nil || widened.Check(v.semver) {
			return &reason{verdict: Prerelease}
		}
	}
	if l.admits(l.p, v.semver) {
		return &reason{verdict: Constraint, detail: "is not the version that was asked for"}
	}
	return &reason{verdict: Constraint, detail: "is not admitted by " + l.p.wants()}
}

// above tells why a version that the manifest admits was not taken although it
// is newer than the one that was.
func (l *ladder) above(ctx context.Context, v *version) (*reason, error) {
	switch {
	case v.reason != nil:
		return v.reason, nil
	case !l.supports(v.release):
		return &reason{Host, "", l.hostDetail(v.release)}, nil
	}
	for _, by := range l.e.RequiredBy {
		if !l.p.listed && !meets(v.semver, by.Constraint, false) {
			return &reason{Constraint, "", by.By + " " + by.Version + " requires " + by.Constraint}, nil
		}
	}
	if l.e.Kept {
		other := &attempt{resolver: l.resolver, frozen: maps.Clone(l.frozen), precise: map[string]string{l.p.name: v.text}}
		delete(other.frozen, l.p.name)
		_, err := other.solve(ctx)
		var failure *pubgrub.Failure
		switch {
		case err == nil:
			return &reason{Locked, "", "would do, but " + l.e.Taken + " is locked"}, nil
		case !errors.As(err, &failure):
			return nil, err
		}
	}
	if l.solution == nil {
		return conflict("does not go with the other plugins"), nil
	}
	return l.passedOver(l.p, v, l.solution), nil
}

// next finds the lowest version above the taken one that the manifest's
// constraint keeps out, a prerelease only if there is nothing else; if none is
// taken, the one nearest to it.
func (l *ladder) next(reasons map[string]*reason) {
	if l.p.entry.Version == "" {
		return
	}
	var out []*semver.Version
	for _, v := range l.p.versions { // newest first
		if v.text == l.e.Taken {
			break
		}
		if verdict := reasons[v.text].verdict; verdict == Constraint || verdict == Prerelease {
			out = append(out, v.semver)
		}
	}
	stable := slices.DeleteFunc(slices.Clone(out), func(v *semver.Version) bool { return v.Prerelease() != "" })
	if len(stable) > 0 && !l.p.entry.Prerelease {
		out = stable
	}
	if len(out) == 0 {
		return
	}
	next := out[len(out)-1]
	if l.e.Taken == "" {
		if near := nearest(out, l.p.entry.Version); near != nil {
			next = near
		}
	}
	l.e.Next, l.e.NextConstraint = next.String(), Caret(next)
}
