package artifact

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// describe takes what the annotations of the root, or of the first platform
// where the root is silent, say about the whole release.
func (rd *reading) describe() {
	rel := rd.rel
	rel.stated = rd.facts
	if rel.Layout != LayoutTags && len(rd.facts) > 0 && rd.facts[0][ocispec.AnnotationVersion] != "" {
		rel.stated = rd.facts[:1] // the root speaks for what it lists
	}
	if len(rd.facts) > 2 {
		rd.facts = rd.facts[:2]
	}
	for _, annotations := range rd.facts {
		if len(rel.Annotations) == 0 {
			rel.Annotations = maps.Clone(annotations)
		}
		if rel.Created.IsZero() {
			created, _ := time.Parse(time.RFC3339, annotations[ocispec.AnnotationCreated])
			rel.Created = created.UTC()
		}
		if rel.Requires == nil {
			rel.Requires = requirements(annotations)
		}
		// The tag decides the version; only a release without such a tag is asked.
		if rel.Version == "" {
			stated := strings.TrimPrefix(annotations[ocispec.AnnotationVersion], "v")
			if v, err := semver.StrictNewVersion(stated); err == nil {
				rel.Version = v.String()
			}
		}
	}
}

func requirements(annotations map[string]string) map[string]string {
	var out map[string]string
	set := func(name, constraint string) {
		if out == nil {
			out = map[string]string{}
		}
		out[name] = constraint
	}
	for key, constraint := range annotations {
		if name, ok := strings.CutPrefix(key, AnnotationRequires); ok {
			set(name, constraint)
		}
	}
	if constraint, ok := annotations[AnnotationHost]; ok {
		set(Host, constraint)
	}
	return out
}

// finish describes the release and checks what a lock will record of it, so
// that a bad release is refused where it is read and not by everyone who later
// reads the lock.
func (rd *reading) finish(reference string) (*Release, error) {
	rel := rd.rel
	rd.describe()
	if len(rel.Offered) == 0 {
		return nil, &FormatError{reference, "holds no executable of " + rel.Name + " for any platform: it is " + rd.what}
	}
	slices.SortFunc(rel.Offered, Platform.Compare)
	slices.SortFunc(rel.Builds, func(a, b Build) int { return a.Platform.Compare(b.Platform) })
	if rel.Digest != "" && !IsDigest(rel.Digest.String()) {
		return nil, &FormatError{reference, fmt.Sprintf("digest %q is not a SHA-256 digest", rel.Digest)}
	}
	for _, b := range rel.Builds {
		if problem := b.problem(); problem != "" {
			return nil, &FormatError{reference, problem}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rel.Requires)) {
		if err := CheckName(name); err != nil {
			return nil, &FormatError{reference, fmt.Sprintf("requires %q, which is not a driver's name", name)}
		}
		if constraint := rel.Requires[name]; !IsConstraint(constraint) {
			return nil, &FormatError{reference, fmt.Sprintf("requires %s %q, which is not a constraint", name, constraint)}
		}
	}
	return rel, nil
}

// problem says what no lock could record.
func (b Build) problem() string {
	switch {
	case CheckFile(b.File) != nil:
		return fmt.Sprintf("layer title %q is not a bare file name", b.File)
	case !IsDigest(b.Manifest.String()):
		return fmt.Sprintf("%s: manifest digest %q is not a SHA-256 digest", b.Platform, b.Manifest)
	case !IsDigest(b.Layer.Digest.String()):
		return fmt.Sprintf("%s: layer digest %q is not a SHA-256 digest", b.File, b.Layer.Digest)
	case b.Layer.Size <= 0:
		return fmt.Sprintf("%s: layer size %d", b.File, b.Layer.Size)
	case b.Executable != "" && !IsDigest(b.Executable.String()):
		return fmt.Sprintf("%s: annotation %s is not a SHA-256 digest", b.File, AnnotationExecutable)
	case b.Sum != nil && !IsDigest(b.Sum.Digest.String()):
		return fmt.Sprintf("%s.sha256: layer digest %q is not a SHA-256 digest", b.File, b.Sum.Digest)
	}
	return ""
}

// platformless is the error for a manifest that says nowhere what it is for.
func (rd *reading) platformless(reference string, p *part) error {
	return &FormatError{cmp.Or(reference, rd.rel.Version), fmt.Sprintf(
		"is not a release of %[1]s: no layer is titled schemahero-%[1]s-OS-ARCH.tar.gz, and no platform is stated: it is %[2]s", rd.rel.Name, p.What())}
}
