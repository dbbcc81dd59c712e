package resolve

import (
	"context"
	"errors"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/manifest"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pubgrub"
)

// Explanation tells how the version of one plugin comes about.
type Explanation struct {
	Plugin     string
	Wants      string        // the manifest's constraint, "tag TAG" or "digest DIGEST"; "" where it does not list the plugin
	Pos        diag.Position // of that
	Repository string        // the one used; "" where there is none
	Places     []Place       // where the manifest looks for the plugin, in order
	RequiredBy []Requirement // by other plugins that are taken
	Taken      string        // version; "" where none can be
	Kept       bool          // it is taken because it is locked
	Rulings    []Ruling      // one for each tag of Repository: versions, newest first, then the others
	// Next is the first version above the one taken that the manifest's
	// constraint alone keeps out, and NextConstraint one that would admit it;
	// "" where there is none.
	Next, NextConstraint string
	// Problem is why nothing is taken, or why the plugins do not go together:
	// an error of Resolve. Nil otherwise.
	Problem error
}

// Place is a repository in which a plugin may be.
type Place struct {
	Repository string
	BuiltIn    bool
	Used       bool
	Tags       int   // how many it has
	Err        error // why it cannot be used, nil where it exists
}

// Requirement is what another plugin that is taken requires.
type Requirement struct {
	By, Version string
	Constraint  string
}

// Ruling says what became of a tag.
type Ruling struct {
	Tag      string
	Version  string            // "" where the tag is none
	Platform artifact.Platform // of a tag for one platform
	Verdict  Verdict
	Detail   string // more about it, as a predicate; can be ""
}

// Explain tells what became of each tag of a plugin and why, for the version
// that Resolve takes with the same options. Releases are read only where tags
// do not decide. Errors: *UnknownPluginError, the Catalog's; that nothing
// satisfies is no error but Explanation.Problem.
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
	if p := r.plugin(name); err != nil && p.listed && !about(err, name) {
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
	if _, taken := solution[name]; !p.listed && !taken && (err == nil || !about(err, name)) {
		return nil, &UnknownPluginError{name}
	}
	e := &Explanation{Plugin: name, Wants: p.wants(), Pos: p.entry.Pos, Taken: solution[name], Problem: err}
	for _, by := range sortedKeys(solution) {
		if text, ok := a.requires(r.plugin(by), solution[by])[name]; ok {
			e.RequiredBy = append(e.RequiredBy, Requirement{by, solution[by], text})
		}
	}
	l := ladder{attempt: a, p: p, e: e, solution: solution}
	return e, l.climb(ctx)
}

// unsatisfied tells whether all that is wrong is that nothing satisfies.
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

// about tells whether an error of Resolve concerns a plugin.
func about(err error, name string) bool {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(several.Unwrap(), func(err error) bool { return about(err, name) })
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

// places looks into all of a plugin's repositories, also behind the one used:
// a name that two of them have is found out only here.
func (l *ladder) places(ctx context.Context) error {
	locations := l.o.Manifest.Locations(l.p.name, l.o.Override)
	l.e.Places = make([]Place, len(locations))
	return parallel.Join(parallel.Each(ctx, len(locations), 0, func(i int) error {
		at := locations[i]
		place := Place{Repository: at.Repository, BuiltIn: at.BuiltIn, Used: at.Repository == l.e.Repository}
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
	}))
}
