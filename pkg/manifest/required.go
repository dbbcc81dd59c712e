package manifest

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Release is the release that this source becomes. A build that no release names,
// of a bare commit say, counts as it if a manifest has a required-version.
const Release = "0.3.0"

// RequiredVersionError says that a manifest is for another version of this program.
type RequiredVersionError struct {
	Version  string // of this program, as it was built; "" for Release
	Required string // the constraint as written
}

func (e *RequiredVersionError) Error() string {
	has := cmp.Or(e.Version, Release)
	if counts := counted(e.Version).String(); counts != strings.TrimPrefix(has, "v") {
		has += ", which counts as " + counts + ","
	}
	return fmt.Sprintf("this program is %s and the manifest needs %s", has, e.Required)
}

func (e *RequiredVersionError) Kind() fault.Kind { return fault.Usage }

// counted is the version that a build of this program counts as: as cargo and
// OpenTofu have it, that of the release that it comes before, or else of the source.
// `git describe` puts the commits since a release behind a dash, too.
func counted(version string) *semver.Version {
	v, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	if err != nil {
		return semver.MustParse(Release)
	}
	return semver.New(v.Major(), v.Minor(), v.Patch(), "", "")
}

// checkRequired returns a *diag.Error where a program of a version does not satisfy
// what a document requires of it.
func checkRequired(doc *diag.Document, version string) error {
	v := doc.Root.Get("required-version")
	if v == nil || v.Kind != diag.String {
		return nil
	}
	c, err := ParseConstraint(v.Text)
	if err != nil || c.Check(counted(version)) {
		return nil
	}
	return doc.At(v.Span, "%s: %v", v.Name, &RequiredVersionError{version, v.Text})
}

func (m *Manifest) decodeRequired(v *diag.Value) {
	s, ok := v.AsString()
	if !ok {
		return
	}
	if _, err := ParseConstraint(s); err != nil {
		v.Problem("%s", err.Error()) // without the cause, whose hints are about drivers
		return
	}
	m.RequiredVersion = s
}
