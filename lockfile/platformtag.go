package lockfile

import (
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
)

// platformTags reports tags of platforms under which the plugin's release
// cannot have been found: one of another version, or of another platform. The
// chain of digests of a platform with a tag begins there, so that such a tag
// would bring another release under this one's name.
func (r *reader) platformTags(tables []*diag.Table, p Plugin) {
	if p.Version == "" && p.Tag == "" && p.Digest == "" {
		return // told already
	}
	for i, t := range tables {
		if q := p.Platforms[i]; artifact.IsTag(q.Tag) {
			if problem := p.tagProblem(q); problem != "" {
				t.Get("tag").Problem("%s %s", show(q.Tag), problem)
			}
		}
	}
}

// tagProblem is a predicate about a platform's tag, "" where the tag is right:
// the plugin's own, which then names the platform's manifest, or one of the
// same version for this platform.
func (p *Plugin) tagProblem(q Platform) string {
	if q.Tag == p.Tag {
		if q.Manifest != p.Digest {
			return "is the plugin's tag, whose digest is not this manifest"
		}
		return ""
	}
	own := p.Tag == "" && p.Digest == ""
	if bare, ok := artifact.ParseTag(p.Tag); ok {
		own = bare.Platform.IsZero() && bare.Version.String() == p.Version
	}
	tag, ok := artifact.ParseTag(q.Tag)
	if !own || !ok || tag.Version.String() != p.Version || tag.Platform != q.Platform {
		return strings.Join(strings.Fields("is not a tag of "+p.Name+" "+p.Version+" for "+q.Platform.String()), " ")
	}
	return ""
}
