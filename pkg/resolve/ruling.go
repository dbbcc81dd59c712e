package resolve

import (
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// rule gives each tag the verdict of its version, or one of its own.
func (l *ladder) rule(reasons map[string]*reason) {
	byVersion := map[string][]Ruling{}
	var others []Ruling
	for _, tag := range l.tags {
		t, ok := artifact.ParseTag(tag)
		if !ok {
			others = append(others, notVersion(tag))
			continue
		}
		text := t.Version.String()
		v := l.p.byText[text]
		u := Ruling{Tag: tag, Version: text, Platform: t.Platform, Verdict: reasons[text].verdict, Detail: reasons[text].detail}
		if !t.Platform.IsZero() && (v.candidate.Tag != "" || !l.declared(t.Platform)) {
			u.Verdict, u.Detail = OtherPlatform, "is for "+t.Platform.String()+" only"
		}
		if t.Platform.IsZero() && tag != l.ownTagOf(v) {
			u.Verdict, u.Detail = SameVersion, "is another tag of "+text
		}
		if l.takenTag(text, tag) {
			u.Verdict = Taken
		}
		byVersion[text] = append(byVersion[text], u)
	}
	sort := func(some []Ruling) []Ruling {
		slices.SortFunc(some, func(a, b Ruling) int {
			if c := a.Platform.Compare(b.Platform); c != 0 {
				return c
			}
			return strings.Compare(a.Tag, b.Tag)
		})
		return some
	}
	for _, v := range l.p.versions {
		l.e.Rulings = append(l.e.Rulings, sort(byVersion[v.text])...)
	}
	l.e.Rulings = append(l.e.Rulings, sort(others)...)
}

// ownTagOf returns the tag that stands for a version, "" where only platforms
// have tags.
func (l *ladder) ownTagOf(v *version) string {
	if l.p.locked != nil && l.e.Kept && v.text == l.e.Taken {
		return l.p.locked.Tag
	}
	return v.candidate.Tag
}

func (l *ladder) declared(p artifact.Platform) bool {
	return l.o.Manifest.Platforms == nil || slices.Contains(l.o.Manifest.Platforms, p)
}

// takenTag tells whether a platform's tag is one that the taken release is
// made of, in the tags layout.
func (l *ladder) takenTag(version, tag string) bool {
	if version != l.e.Taken {
		return false
	}
	if l.p.locked != nil && l.e.Kept {
		return slices.ContainsFunc(l.p.locked.Platforms, func(p lockfile.Platform) bool { return p.Tag == tag })
	}
	release := l.p.byText[version].release
	return release != nil && slices.ContainsFunc(release.Builds, func(b artifact.Build) bool { return b.Tag == tag })
}

// byReference rules on the tags of a tag or digest entry, which asks for one.
func (l *ladder) byReference() {
	for _, tag := range l.tags {
		u := notVersion(tag)
		if t, ok := artifact.ParseTag(tag); ok {
			u = Ruling{Tag: tag, Version: t.Version.String(), Platform: t.Platform, Verdict: Constraint}
		}
		u.Detail = "is not asked for: the manifest wants " + l.p.wants()
		if tag == l.p.entry.Tag && l.e.Taken != "" {
			u.Verdict, u.Detail = Taken, ""
		} else if tag == l.p.entry.Tag {
			u.Verdict, u.Detail = l.p.versions[0].verdict()
		}
		l.e.Rulings = append(l.e.Rulings, u)
	}
	slices.SortFunc(l.e.Rulings, func(a, b Ruling) int { return strings.Compare(a.Tag, b.Tag) })
}
