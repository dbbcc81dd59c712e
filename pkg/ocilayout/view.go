package ocilayout

import (
	"cmp"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// view picks a repository's entries of a layout by its tags.
type view struct {
	tags    []string // in the order of the index
	entries map[string]ocispec.Descriptor
	own     []ocispec.Descriptor // with and without a tag
}

// Repository returns a repository by its original name; it can be empty, which
// reading it reports as *NotFoundError.
func (l *Layout) Repository(name string) *Repository {
	v := l.view(func(d ocispec.Descriptor) (string, bool) {
		return originalTag(d, name), d.Annotations[AnnotationRepository] == name
	})
	return &Repository{name: name, open: func() (*Layout, *view, error) { return l, v, nil }}
}

// view gathers the entries for which pick says so; the tag is "" if an entry
// has none.
func (l *Layout) view(pick func(ocispec.Descriptor) (tag string, ok bool)) *view {
	v := &view{entries: map[string]ocispec.Descriptor{}}
	for _, d := range l.index.Manifests {
		tag, ok := pick(d)
		if !ok {
			continue
		}
		v.own = append(v.own, d)
		if _, twice := v.entries[tag]; artifact.IsTag(tag) && !twice {
			v.tags = append(v.tags, tag)
			v.entries[tag] = d
		}
	}
	return v
}

// originalTag is the tag that an entry had in its repository. If it does not
// say, it is what stands behind the driver's name in ref.name.
func originalTag(d ocispec.Descriptor, repository string) string {
	if tag := d.Annotations[AnnotationTag]; tag != "" {
		return tag
	}
	ref := d.Annotations[ocispec.AnnotationRefName]
	last := repository[strings.LastIndexByte(repository, '/')+1:]
	for name := last; name != ""; { // plugin-postgres, then postgres
		if tag, ok := strings.CutPrefix(ref, name+"-"); ok {
			return tag
		}
		_, name, _ = strings.Cut(name, "-")
	}
	tag, _ := cutName(ref) // the driver's name need not be the repository's
	return tag
}

// driver is the view of one driver: the entries named NAME-TAG, and with them
// what else came from the same repository, like signatures. A layout that names
// none so, made by other tools, has entries named by tag alone.
func (l *Layout) driver(name string) *view {
	from := map[string]bool{}
	named := false
	for _, d := range l.index.Manifests {
		repository := d.Annotations[AnnotationRepository]
		last := repository[strings.LastIndexByte(repository, '/')+1:]
		tag, ok := strings.CutPrefix(d.Annotations[ocispec.AnnotationRefName], name+"-")
		// edge-db-1.0.0 is edge-db's, not edge's.
		if ok && (repository == "" || last == name || strings.HasSuffix(last, "-"+name) || tagOfVersion(tag)) {
			named = true
			from[repository] = true
		}
	}
	if named {
		return l.view(func(d ocispec.Descriptor) (string, bool) {
			repository := d.Annotations[AnnotationRepository]
			tag, ok := strings.CutPrefix(d.Annotations[ocispec.AnnotationRefName], name+"-")
			return cmp.Or(d.Annotations[AnnotationTag], tag), from[repository] && (ok || repository != "")
		})
	}
	return l.view(func(d ocispec.Descriptor) (string, bool) {
		tag := d.Annotations[ocispec.AnnotationRefName]
		_, another := cutName(tag)
		return tag, d.Annotations[AnnotationRepository] == "" && !another
	})
}

// cutName returns the TAG of NAME-TAG, if it names a version, and otherwise
// ref as it is.
func cutName(ref string) (tag string, ok bool) {
	for at, c := range ref {
		if c == '-' && tagOfVersion(ref[at+1:]) && artifact.CheckName(ref[:at]) == nil {
			return ref[at+1:], true
		}
	}
	return ref, false
}

func tagOfVersion(tag string) bool {
	_, ok := artifact.ParseTag(tag)
	return ok
}
