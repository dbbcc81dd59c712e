package resolve

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pubgrub"
)

// Explanation reports how the version of one plugin comes about.
type Explanation struct {
	Plugin     string
	Wants      string        // the manifest's constraint, "tag TAG" or "digest DIGEST"; "" if it does not list the plugin
	Pos        diag.Position // of that
	Repository string        // the one used; "" if there is none
	Places     []Place       // where the manifest looks for the plugin, in order
	RequiredBy []Requirement // by other plugins that are taken
	Taken      string        // version; "" where none can be
	Kept       bool          // it is taken because it is locked
	Detail     string        // more about what is taken, if that has no tag in Tags; can be ""
	Tags       []TagStatus   // one for each tag of Repository: versions, newest first, then the others
	// Next is the first version above the one taken that the manifest's
	// constraint alone keeps out, and NextConstraint one that would admit it;
	// "" if there is none.
	Next, NextConstraint string
	// Problem is why nothing is taken, or why the plugins do not go together:
	// an error of Resolve. Nil otherwise.
	Problem error
}

// Place is a repository in which a plugin may be.
type Place struct {
	Repository string
	Used       bool
	Tags       int   // how many it has
	Err        error // why it cannot be used, nil if it exists
}

// Requirement is what another plugin that is taken requires.
type Requirement struct {
	By, Version string
	Constraint  string
}

// TagStatus says what became of a tag.
type TagStatus struct {
	Tag      string
	Version  string            // "" where the tag is none
	Platform artifact.Platform // of a tag for one platform
	Verdict  Verdict
	Detail   string // more about it, as a predicate; can be ""
}

// Explain reports what became of each tag of a plugin and why, for the version
// that Resolve takes with the same options. Releases are read only if tags
// do not decide. Errors: *UnknownPluginError, the Catalog's; that nothing
// satisfies is not an error but Explanation.Problem.
func Explain(ctx context.Context, c Catalog, o Options, name string) (*Explanation, error) {
	r := newResolver(c, o)
	a, err := r.begin(ctx)
	var solution map[string]string
	if err == nil {
		solution, err = a.solve(ctx)
	}
	if failure, ok := errors.AsType[*pubgrub.Failure](err); ok {
		err = a.failed(ctx, failure)
	}
	if err != nil && (a == nil || !unsatisfied(err)) {
		return nil, err
	}
	if p := r.plugin(name); err != nil && p.listed && !concerns(err, name) {
		// Something else is wrong; by itself this plugin can be explained.
		alone := *o.Manifest
		alone.Plugins = []manifest.Plugin{p.entry}
		o.Manifest = &alone
		e, explainErr := Explain(ctx, c, o, name)
		if e != nil && e.Problem == nil {
			e.Problem = err
		}
		return e, explainErr
	}
	p := r.plugin(name)
	if _, taken := solution[name]; !p.listed && !taken && (err == nil || !concerns(err, name)) {
		return nil, &UnknownPluginError{name}
	}
	e := &Explanation{Plugin: name, Wants: p.wants(), Pos: p.entry.Pos, Taken: solution[name], Problem: err}
	for _, by := range slices.Sorted(maps.Keys(solution)) {
		if text, ok := a.requires(r.plugin(by), solution[by])[name]; ok {
			e.RequiredBy = append(e.RequiredBy, Requirement{by, solution[by], text})
		}
	}
	l := explainer{attempt: a, p: p, e: e, solution: solution}
	return e, l.run(ctx)
}

// unsatisfied reports whether all that is wrong is that nothing satisfies.
func unsatisfied(err error) bool {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(several.Unwrap(), func(err error) bool { return !unsatisfied(err) })
	}
	switch err.(type) {
	case *NoRepositoryError, *NoVersionError, *PlatformError, *ConflictError:
		return true
	}
	return false
}

// concerns reports whether an error of Resolve concerns a plugin.
func concerns(err error, name string) bool {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(several.Unwrap(), func(err error) bool { return concerns(err, name) })
	}
	switch err := err.(type) {
	case *NoRepositoryError:
		return err.Plugin == name
	case *NoVersionError:
		return err.Plugin == name
	case *PlatformError:
		return err.Plugin == name
	case *ConflictError:
		return slices.Contains(err.Plugins, name)
	}
	return false
}

// places looks into all of a plugin's repositories, also after the one used:
// a name that two of them have is found out only here.
func (l *explainer) places(ctx context.Context) error {
	locations := l.o.Manifest.Locations(l.p.name, l.o.Override)
	l.e.Places = make([]Place, len(locations))
	return parallel.Each(ctx, len(locations), 0, func(i int) error {
		at := locations[i]
		place := Place{Repository: at.Repository, Used: at.Repository == l.e.Repository}
		if place.Used && l.tags != nil {
			place.Tags = len(l.tags)
		} else {
			place.Err = l.limit.Do(ctx, func() error {
				tags, err := l.catalog.Tags(ctx, at.Repository)
				place.Tags = len(tags)
				return err
			})
		}
		l.e.Places[i] = place
		// One that is not used is no reason to fail.
		return ctx.Err()
	})
}

// explainer finds out what became of all the tags of a plugin, for an Explanation.
type explainer struct {
	*attempt
	p        *plugin
	e        *Explanation
	solution map[string]string // nil if there is none
	tags     []string
}

func (l *explainer) run(ctx context.Context) error {
	p, e := l.p, l.e
	e.Kept = e.Taken != "" && (l.isLockedEntry(p, e.Taken) || e.Taken == l.preferred(p))
	if l.fixed[p.name] {
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
		return l.referenceVerdicts(ctx)
	}
	reasons, err := l.versions(ctx)
	if err != nil {
		return err
	}
	l.verdicts(reasons)
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
	p.versions, p.byID = nil, map[string]*version{}
	for _, c := range artifact.Candidates(p.tags) {
		v := &version{id: c.Version.String(), semver: c.Version, candidate: c}
		p.versions = append(p.versions, v)
		p.byID[v.id] = v
	}
	return err
}

// versions returns what became of each version of the plugin.
func (l *explainer) versions(ctx context.Context) (map[string]*reason, error) {
	above := true // nothing that is as new was taken
	var unread []*version
	reasons := map[string]*reason{}
	for _, v := range l.p.versions {
		if l.e.Kept && !l.p.newerThan(v.semver, l.e.Taken) {
			above = false // also if the tag of what is kept is there no more
		}
		switch {
		case v.id == l.e.Taken:
			above = false
			reasons[v.id] = &reason{verdict: Taken}
			if l.e.Kept {
				reasons[v.id].detail = "is locked"
			}
		case !l.mayTake(l.p, v):
			reasons[v.id] = l.keptOut(v)
		case !above:
			reasons[v.id] = &reason{verdict: Older}
		default:
			unread = append(unread, v)
		}
	}
	err := parallel.Each(ctx, len(unread), 0, func(i int) error { return l.read(ctx, l.p, unread[i]) })
	if err != nil {
		return nil, err
	}
	if reasons[l.e.Taken] != nil {
		if err := l.takenDetail(ctx, reasons[l.e.Taken]); err != nil {
			return nil, err
		}
	}
	for _, v := range unread {
		why, err := l.whyNot(ctx, v)
		if err != nil {
			return nil, err
		}
		told := *why
		reasons[v.id] = told.with(artifact.NotCounted(v.withdrawals)...)
	}
	return reasons, nil
}

// takenDetail says of the version that is taken who withdrew it, or would have.
func (l *explainer) takenDetail(ctx context.Context, taken *reason) (err error) {
	var found []artifact.Withdrawal
	if v := l.p.byID[l.e.Taken]; v != nil {
		found = v.withdrawals
	}
	if l.e.Kept && l.p.locked != nil {
		if found, err = Withdrawals(ctx, l.catalog, l.p.locked); err != nil {
			return err
		}
	}
	if w := artifact.Withdrawn(found); w != nil {
		taken.with(w.String())
	}
	taken.with(artifact.NotCounted(found)...)
	return nil
}

// with adds to the detail of a reason.
func (r *reason) with(texts ...string) *reason {
	for _, text := range texts {
		if r.detail != "" {
			r.detail += "; "
		}
		r.detail += text
	}
	return r
}

// keptOut reports why the manifest does not admit a version.
func (l *explainer) keptOut(v *version) *reason {
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

// whyNot reports why a version that the manifest admits was not taken although it
// is newer than the one that was.
func (l *explainer) whyNot(ctx context.Context, v *version) (*reason, error) {
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
		other := &attempt{resolver: l.resolver, fixed: maps.Clone(l.fixed), precise: map[string]string{l.p.name: v.id}}
		delete(other.fixed, l.p.name)
		_, err := other.solve(ctx)
		var failure *pubgrub.Failure
		switch {
		case err == nil:
			return &reason{Locked, "", "is acceptable, but " + l.e.Taken + " is locked"}, nil
		case !errors.As(err, &failure):
			return nil, err
		}
	}
	if l.solution == nil {
		return conflict("conflicts with the other drivers"), nil
	}
	return l.passedOver(l.p, v, l.solution), nil
}

// next finds the lowest version above the taken one that the manifest's
// constraint keeps out, a prerelease only if there is nothing else; if none is
// taken, the one nearest to it.
func (l *explainer) next(reasons map[string]*reason) {
	if l.p.entry.Version == "" {
		return
	}
	var out []*semver.Version
	for _, v := range l.p.versions { // newest first
		if v.id == l.e.Taken {
			break
		}
		if verdict := reasons[v.id].verdict; verdict == Constraint || verdict == Prerelease {
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
