package resolve

import "strings"

// Verdict is what became of a tag or version, and why.
type Verdict string

// The verdicts.
const (
	Taken         Verdict = "taken"
	NotVersion    Verdict = "not a version"
	Floating      Verdict = "floating"           // latest, 0, 0.1
	OtherPlatform Verdict = "another platform's" // X.Y.Z-OS-ARCH beside the release of all
	SameVersion   Verdict = "same version"       // v1.0.0 beside 1.0.0: the other tag stands for it
	Prerelease    Verdict = "prerelease"         // admitted, if the constraint named one or prerelease were true
	Constraint    Verdict = "constraint"         // not admitted
	Platform      Verdict = "platform"           // lacks a declared one
	Age           Verdict = "age"                // younger than minimum-age
	Undated       Verdict = "undated"            // states no date, and there is a minimum-age
	Host          Verdict = "host"               // does not support the manifest's schemahero
	Conflict      Verdict = "conflict"           // does not go with another plugin
	Broken        Verdict = "broken"             // no release can be read behind the tag
	Deleted       Verdict = "deleted"            // gone since the tags were listed
	Locked        Verdict = "locked"             // would do, but an older one is locked
	Older         Verdict = "older"              // would do, but a newer one is taken
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

// notVersion rules on a tag that is no version.
func notVersion(tag string) Ruling {
	u := Ruling{Tag: tag, Verdict: NotVersion}
	digits := strings.Trim(strings.TrimPrefix(tag, "v"), "0123456789")
	if tag == "latest" || tag != "v" && (digits == "" || digits == "." && strings.Count(tag, ".") == 1) {
		u.Verdict = Floating
	}
	return u
}
