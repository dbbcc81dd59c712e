package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// BuildError says for which driver and platform the Go command failed.
type BuildError struct {
	Name     string
	Platform artifact.Platform
	Err      error // *CommandError or *ToolError
}

func (e *BuildError) Error() string    { return fmt.Sprintf("%s for %s: %v", e.Name, e.Platform, e.Err) }
func (e *BuildError) Kind() fault.Kind { return fault.Of(e.Err) }
func (e *BuildError) Unwrap() error    { return e.Err }

// job is a driver for a platform.
type job struct {
	name, version string
	platform      artifact.Platform
}

// failures are why drivers are not built, one reason for each.
type failures map[string]error

// add notes why a driver is not built; false if the reason is none of its
// own, so that no other would be built either.
func (f failures) add(name string, err error) bool {
	own := errors.As(err, new(*LintError)) || errors.As(err, new(*NoDriverError)) || errors.As(err, new(*NoVersionError)) ||
		errors.As(err, new(*FileError)) || errors.As(err, new(*BuildError)) && !errors.As(err, new(*ToolError))
	if own && f[name] == nil {
		f[name] = err
	}
	return own
}

// join returns the reasons in the order of the drivers; nil where there are
// none.
func (f failures) join() error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(f)) {
		all = append(all, f[name])
	}
	return errors.Join(all...)
}

// jobs checks names and versions before anything is compiled.
func (o BuildOptions) jobs(ctx context.Context) ([]job, failures, error) {
	var jobs []job
	failed := failures{}
	for _, name := range o.Names {
		version, err := o.version(ctx, name)
		if err != nil {
			if !failed.add(name, err) {
				return nil, nil, err
			}
			continue
		}
		for _, p := range o.Platforms {
			jobs = append(jobs, job{name, version, p})
		}
	}
	return jobs, failed, nil
}

// version finds the version that a driver is built in, and with that whether it
// can be.
func (o BuildOptions) version(ctx context.Context, name string) (string, error) {
	if err := artifact.CheckName(name); err != nil {
		return "", &LintError{Name: name, Version: o.Version, Problems: []Problem{nameProblem(ProblemName, err)}}
	}
	if dir := driverDir(o.Source, name); !isProgram(dir) {
		found, err := ListDrivers(o.Source)
		if err != nil {
			return "", err
		}
		return "", &NoDriverError{dir, name, found}
	}
	version := o.Version
	if version == "" {
		return VersionOf(ctx, o.Source, name, o.Env)
	}
	v, err := parseVersion(version)
	if err != nil {
		return "", &LintError{Name: name, Version: version, Problems: []Problem{versionProblem(version)}}
	}
	return v.String(), nil
}
