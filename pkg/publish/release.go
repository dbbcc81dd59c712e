package publish

import (
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
)

// Release is what is to be published.
type Release struct {
	Name    string // of the driver
	Version string // X.Y.Z[-pre][+build]; one leading v is dropped

	// Files holds an executable for each platform, or an archive of one as
	// Build or tar(1) makes it. Archives are packed again, so that the layers depend on
	// the executables alone. Republish takes no files.
	Files        map[artifact.Platform]string
	Compressions []pack.Compression // each packs every file; none is Gzip

	HostConstraint string            // on the host's version; "" for none
	Requires       map[string]string // constraints on other plugins, by name
	// Annotations are further annotations of the index and its manifests, such as
	// org.opencontainers.image.source, .revision and .licenses.
	Annotations map[string]string
	Created     time.Time // when the release was made; must be set
}

// parseVersion reads X.Y.Z[-pre][+build], strictly, one leading v allowed
// (Semantic Versioning 2.0.0).
func parseVersion(s string) (*semver.Version, error) {
	return semver.StrictNewVersion(strings.TrimPrefix(s, "v"))
}

// platformTag returns the tag for one platform of a version.
func platformTag(v *semver.Version, p artifact.Platform) string {
	return artifact.VersionTag(v) + "-" + p.Suffix()
}

// reserved reports whether an annotation is written from a field of Release and
// from nothing else.
func reserved(key string) bool {
	switch key {
	case ocispec.AnnotationVersion, ocispec.AnnotationCreated, artifact.AnnotationHost,
		artifact.AnnotationPlatform, artifact.AnnotationExecutable:
		return true
	}
	return strings.HasPrefix(key, artifact.AnnotationRequires)
}

// annotations returns what stands on the index.
func (r Release) annotations(v *semver.Version) map[string]string {
	a := map[string]string{ocispec.AnnotationTitle: "schemahero-" + r.Name}
	if engines := artifact.Engines(r.Name); engines != nil {
		a[artifact.AnnotationEngines] = strings.Join(engines, ",")
	}
	for key, value := range r.Annotations {
		if !reserved(key) {
			a[key] = value
		}
	}
	a[ocispec.AnnotationVersion] = v.String()
	a[ocispec.AnnotationCreated] = r.Created.UTC().Format(time.RFC3339)
	if r.HostConstraint != "" {
		a[artifact.AnnotationHost] = r.HostConstraint
	}
	for name, constraint := range r.Requires {
		a[artifact.AnnotationRequires+name] = constraint
	}
	return a
}
