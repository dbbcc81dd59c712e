package publish

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// ProblemKind tells problems apart.
type ProblemKind string

// The kinds of problems.
const (
	ProblemName       ProblemKind = "name"
	ProblemVersion    ProblemKind = "version"
	ProblemCreated    ProblemKind = "created"
	ProblemAnnotation ProblemKind = "annotation"
	ProblemConstraint ProblemKind = "constraint"
	ProblemPlatforms  ProblemKind = "platforms" // there are none
	ProblemFile       ProblemKind = "file"      // missing, empty, no file
	ProblemArchive    ProblemKind = "archive"   // a sync would refuse it
	ProblemMode       ProblemKind = "mode"      // is not executable
	ProblemFormat     ProblemKind = "format"    // no format of executables that is known
	ProblemPlatform   ProblemKind = "platform"  // made for another one
	ProblemStub       ProblemKind = "stub"      // built without the cgo that it needs
	ProblemHandshake  ProblemKind = "handshake" // does not answer as a driver
)

// Problem is one reason not to publish.
type Problem struct {
	Kind    ProblemKind
	Subject string // a file, or a field of the release
	Text    string
}

// Forcible reports whether Options.Force publishes nevertheless.
func (p Problem) Forcible() bool {
	switch p.Kind {
	case ProblemMode, ProblemFormat, ProblemStub, ProblemHandshake:
		return true
	}
	return false
}

// LintError holds every reason why a release is not published.
type LintError struct {
	Name, Version string
	Problems      []Problem
}

func (e *LintError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Subject + ": " + p.Text
	}
	return strings.Join(lines, "\n")
}

// Kind is fault.Usage if what was typed is refused, a name, a version or a
// constraint, and fault.Integrity if an archive is, as a sync would refuse it.
func (e *LintError) Kind() fault.Kind {
	kind := fault.Failure
	for _, p := range e.Problems {
		switch p.Kind {
		case ProblemName, ProblemVersion, ProblemAnnotation, ProblemConstraint:
			return fault.Usage
		case ProblemArchive:
			kind = fault.Integrity
		}
	}
	return kind
}

// Forcible reports whether Options.Force would publish nevertheless.
func (e *LintError) Forcible() bool {
	return !slices.ContainsFunc(e.Problems, func(p Problem) bool { return !p.Forcible() })
}

// lint checks everything about a release that is not a file. It returns nil
// for the version where that does not parse.
func (r Release) lint(platforms []artifact.Platform) (*semver.Version, []Problem) {
	var out []Problem
	add := func(kind ProblemKind, subject, format string, args ...any) {
		out = append(out, Problem{kind, subject, fmt.Sprintf(format, args...)})
	}
	if err := artifact.CheckName(r.Name); err != nil {
		out = append(out, nameProblem(ProblemName, err))
	} else if driver, ok := artifact.DriverOf(r.Name); ok {
		add(ProblemName, fmt.Sprintf("name %q", r.Name), "is an engine that the driver %s serves", driver)
	}
	v, err := parseVersion(r.Version)
	if err != nil {
		v = nil
		out = append(out, versionProblem(r.Version))
	} else if tag := misread(v, platforms); tag != "" {
		add(ProblemVersion, fmt.Sprintf("version %q", r.Version), "its tag %s would be read as another version's, or is none", tag)
	}
	if r.Created.IsZero() {
		add(ProblemCreated, "created", "is not set")
	}
	if len(platforms) == 0 {
		add(ProblemPlatforms, "platforms", "there is no file for any")
	}
	for _, key := range slices.Sorted(maps.Keys(r.Annotations)) {
		switch {
		case key == "":
			add(ProblemAnnotation, "annotation", "has no key")
		case reserved(key):
			add(ProblemAnnotation, "annotation "+key, "is written from the release itself")
		}
	}
	constraint := func(subject, text string) {
		if !artifact.IsConstraint(text) {
			add(ProblemConstraint, subject, "%q is not a version constraint", text)
		}
	}
	if r.HostConstraint != "" {
		constraint("host constraint", r.HostConstraint)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Requires)) {
		subject := "requires " + name
		switch err := artifact.CheckName(name); {
		case err != nil:
			out = append(out, nameProblem(ProblemConstraint, err))
		case name == artifact.Host:
			add(ProblemConstraint, subject, "is the host, whose constraint stands by itself")
		case name == r.Name:
			add(ProblemConstraint, subject, "is the driver itself")
		default:
			if driver, ok := artifact.DriverOf(name); ok {
				add(ProblemConstraint, subject, "is an engine that the driver %s serves", driver)
			}
		}
		constraint(subject, r.Requires[name])
	}
	return v, out
}

// nameProblem returns why a string is not a driver's name.
func nameProblem(kind ProblemKind, err error) Problem {
	if e, ok := errors.AsType[*artifact.NameError](err); ok {
		return Problem{kind, fmt.Sprintf("name %q", e.Name), e.Reason}
	}
	return Problem{kind, "name", err.Error()}
}

func versionProblem(version string) Problem {
	return Problem{ProblemVersion, fmt.Sprintf("version %q", version), "is not X.Y.Z[-pre][+build]"}
}

// misread returns the first of a version's tags that would not be read back
// as what it stands for: 1.0.0-linux-amd64 is 1.0.0 for one platform, not a
// prerelease.
func misread(v *semver.Version, platforms []artifact.Platform) string {
	for _, p := range append([]artifact.Platform{{}}, platforms...) {
		name := artifact.VersionTag(v)
		if !p.IsZero() {
			name = platformTag(v, p)
		}
		t, ok := artifact.ParseTag(name)
		if !ok || t.Platform != p || t.Version.String() != v.String() || !artifact.IsTag(name) {
			return name
		}
	}
	return ""
}
