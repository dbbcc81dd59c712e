package artifact

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// StatedError says that a release states another version, or another driver's
// name, than those by which it is known. A tag can be given to anything by
// whoever may push; what a release states is signed with it.
type StatedError struct {
	Name, Version string // by which it is known
	OtherName     string // that it states; "" if it does not differ
	OtherVersion  string
}

func (e *StatedError) Error() string {
	var says []string
	if e.OtherName != "" {
		says = append(says, "the driver "+e.OtherName)
	}
	if e.OtherVersion != "" {
		says = append(says, "version "+e.OtherVersion)
	}
	return fmt.Sprintf("%s: the release states that it is %s", strings.TrimSpace(e.Name+" "+e.Version), strings.Join(says, ", "))
}

func (e *StatedError) Kind() fault.Kind { return fault.Integrity }

// CheckStated holds what the release states of itself against its driver's name
// and a version, "" for any. A release that states nothing contradicts nothing.
// The error is a *StatedError.
func (r *Release) CheckStated(version string) error {
	e := &StatedError{Name: r.Name, Version: version}
	for _, annotations := range r.stated {
		if v := annotations[ocispec.AnnotationVersion]; v != "" && version != "" && !sameVersion(v, version) {
			e.OtherVersion = cut(v)
			break
		}
	}
	names := make([]string, 0, len(r.stated)+len(r.Builds))
	for _, annotations := range r.stated {
		names = append(names, annotations[ocispec.AnnotationTitle])
	}
	for _, b := range r.Builds {
		if before, _, ok := titlePlatform(b.File); ok {
			names = append(names, before)
		}
	}
	for _, title := range names {
		name, ok := strings.CutPrefix(title, "schemahero-")
		name = strings.TrimPrefix(name, "plugin-")
		if ok && name != strings.TrimPrefix(r.Name, "plugin-") && CheckName(name) == nil {
			e.OtherName = name
			break
		}
	}
	if e.OtherName == "" && e.OtherVersion == "" {
		return nil
	}
	return e
}

// sameVersion reports whether two texts mean one version: v1.2.3 is 1.2.3, and
// _ stands for +, as in tags.
func sameVersion(a, b string) bool {
	v, errV := semver.NewVersion(strings.Replace(a, "_", "+", 1))
	w, errW := semver.NewVersion(strings.Replace(b, "_", "+", 1))
	if errV != nil || errW != nil {
		return a == b
	}
	return v.Equal(w) && v.Metadata() == w.Metadata()
}
