package resolve

import (
	"context"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// Verdict is what became of a tag or version, and why.
type Verdict string

// The verdicts.
const (
	Taken         Verdict = "taken"
	NotVersion    Verdict = "not a version"
	Floating      Verdict = "floating"           // latest, 0, 0.1
	OtherPlatform Verdict = "another platform's" // X.Y.Z-OS-ARCH next to the release of all
	SameVersion   Verdict = "same version"       // v1.0.0 next to 1.0.0: the other tag stands for it
	Prerelease    Verdict = "prerelease"         // admitted, if the constraint named one or prerelease were true
	Constraint    Verdict = "constraint"         // not admitted
	Platform      Verdict = "platform"           // lacks a declared one
	Age           Verdict = "age"                // younger than minimum-age
	Undated       Verdict = "undated"            // states no date, and there is a minimum-age
	Host          Verdict = "host"               // does not support the manifest's schemahero
	Conflict      Verdict = "conflict"           // does not go with another plugin
	Broken        Verdict = "broken"             // no release can be read under the tag
	Deleted       Verdict = "deleted"            // gone since the tags were listed
	Withdrawn     Verdict = "withdrawn"          // by its publisher
	Locked        Verdict = "locked"             // is acceptable, but an older one is locked
	Older         Verdict = "older"              // is acceptable, but a newer one is taken
)

// reason is why a version cannot be taken, whatever the others are.
type reason struct {
	verdict Verdict
	text    string // a predicate, the same for all versions in one case: "is younger than 72h"
	detail  string // a predicate about this version
}

// verdict is for a version that alone could have been taken.
func (v *version) verdict() (Verdict, string) {
	if v.reason == nil {
		return Conflict, ""
	}
	return v.reason.verdict, v.reason.detail
}

// notVersion gives a verdict on a tag that is not a version.
func notVersion(tag string) TagStatus {
	u := TagStatus{Tag: tag, Verdict: NotVersion}
	tag, _ = artifact.CutHostTag(tag)
	digits := strings.Trim(strings.TrimPrefix(tag, "v"), "0123456789")
	if tag == "latest" || tag != "v" && (digits == "" || digits == "." && strings.Count(tag, ".") == 1) {
		u.Verdict = Floating
	}
	return u
}

// verdicts gives each tag the verdict of its version, or one of its own.
func (l *explainer) verdicts(reasons map[string]*reason) {
	byVersion := map[string][]TagStatus{}
	var others []TagStatus
	for _, tag := range l.tags {
		t, ok := artifact.ParseTag(tag)
		if !ok {
			others = append(others, notVersion(tag))
			continue
		}
		text := t.Version.String()
		v := l.p.byID[text]
		u := TagStatus{Tag: tag, Version: text, Platform: t.Platform, Verdict: reasons[text].verdict, Detail: reasons[text].detail}
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
	sort := func(some []TagStatus) []TagStatus {
		slices.SortFunc(some, func(a, b TagStatus) int {
			if c := a.Platform.Compare(b.Platform); c != 0 {
				return c
			}
			return strings.Compare(a.Tag, b.Tag)
		})
		return some
	}
	for _, v := range l.p.versions {
		l.e.Tags = append(l.e.Tags, sort(byVersion[v.id])...)
	}
	l.e.Tags = append(l.e.Tags, sort(others)...)
}

// ownTagOf returns the tag that stands for a version, "" where only platforms
// have tags.
func (l *explainer) ownTagOf(v *version) string {
	if l.p.locked != nil && l.e.Kept && v.id == l.e.Taken {
		return l.p.locked.Tag
	}
	return v.candidate.Tag
}

func (l *explainer) declared(p artifact.Platform) bool {
	return l.o.Manifest.Platforms == nil || slices.Contains(l.o.Manifest.Platforms, p)
}

// takenTag reports whether a platform's tag is one that the taken release is
// made of, in the tags layout.
func (l *explainer) takenTag(version, tag string) bool {
	if version != l.e.Taken {
		return false
	}
	if l.p.locked != nil && l.e.Kept {
		return slices.ContainsFunc(l.p.locked.Platforms, func(p lockfile.Platform) bool { return p.Tag == tag })
	}
	release := l.p.byID[version].release
	return release != nil && slices.ContainsFunc(release.Builds, func(b artifact.Build) bool { return b.Tag == tag })
}

// referenceVerdicts gives verdicts on the tags of a tag or digest entry, which asks for one.
// Errors: the Catalog's.
func (l *explainer) referenceVerdicts(ctx context.Context) error {
	taken := &reason{verdict: Taken}
	if l.e.Taken != "" {
		if err := l.takenDetail(ctx, taken); err != nil {
			return err
		}
	}
	if l.p.entry.Digest != "" {
		l.e.Detail = taken.detail
	}
	for _, tag := range l.tags {
		u := notVersion(tag)
		if t, ok := artifact.ParseTag(tag); ok {
			u = TagStatus{Tag: tag, Version: t.Version.String(), Platform: t.Platform, Verdict: Constraint}
		}
		u.Detail = "is not asked for: the manifest wants " + l.p.wants()
		if tag == l.p.entry.Tag && l.e.Taken != "" {
			u.Verdict, u.Detail = Taken, taken.detail
		} else if tag == l.p.entry.Tag {
			u.Verdict, u.Detail = l.p.versions[0].verdict()
		}
		l.e.Tags = append(l.e.Tags, u)
	}
	slices.SortFunc(l.e.Tags, func(a, b TagStatus) int { return strings.Compare(a.Tag, b.Tag) })
	return nil
}
