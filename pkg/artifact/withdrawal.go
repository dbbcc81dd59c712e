package artifact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What withdraws a release: a manifest that refers to it, as .NET's images have
// one (https://github.com/dotnet/dotnet-docker/blob/main/documentation/supported-tags.md).
const (
	// TypeLifecycle is its artifact type.
	TypeLifecycle = "application/vnd.microsoft.artifact.lifecycle"
	// AnnotationEndOfLife is the day, or the time (RFC 3339), from which on the
	// release is not to be taken.
	AnnotationEndOfLife = "vnd.microsoft.artifact.lifecycle.end-of-life.date"
	// AnnotationReason is why, for people.
	AnnotationReason = "io.schemahero.plugin.withdrawn.reason"
	// AnnotationReplacement is the version to take in its place.
	AnnotationReplacement = "io.schemahero.plugin.withdrawn.replacement"

	// MaxReason is how long a reason may be, in bytes.
	MaxReason = 1000
	// MaxWithdrawal is the size over which a withdrawal is not read, in bytes.
	MaxWithdrawal = 64 << 10
)

// Withdrawal is a publisher's word that a release is not to be taken any more.
type Withdrawal struct {
	Manifest    digest.Digest // that says so; "" where nothing could be read
	Date        time.Time     // from which on
	Reason      string        // in the publisher's words; can be ""
	Replacement string        // a version; can be ""
	Refused     error         // why it does not count, nil if it does
}

// String returns a predicate: `was withdrawn on 2026-11-28: it loses rows; take
// 0.1.3`.
func (w Withdrawal) String() string {
	text := "was withdrawn on " + w.Date.UTC().Format(time.DateOnly)
	if w.Reason != "" {
		text += ": " + w.Reason
	}
	if w.Replacement != "" {
		text += "; take " + w.Replacement
	}
	return text
}

// CheckReason returns an error if a text cannot be the reason of a withdrawal.
func CheckReason(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return errors.New("is empty")
	case len(s) > MaxReason:
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(s), MaxReason)
	case strings.ContainsFunc(s, unicode.IsControl):
		return errors.New("has a line break or another control character in it")
	}
	return nil
}

// Encode returns the manifest that withdraws what subject describes. It has no
// layer but the empty one, which OCI asks for.
func (w Withdrawal) Encode(subject ocispec.Descriptor) (ocispec.Descriptor, []byte, error) {
	annotations := map[string]string{AnnotationEndOfLife: w.Date.UTC().Format(time.RFC3339), AnnotationReason: w.Reason}
	if w.Replacement != "" {
		annotations[AnnotationReplacement] = w.Replacement
	}
	empty := ocispec.DescriptorEmptyJSON
	empty.Data = nil
	data, err := EncodeDocument(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: TypeLifecycle,
		Config: empty, Layers: []ocispec.Descriptor{empty},
		Subject:     &ocispec.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
		Annotations: annotations,
	}, "")
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(data), Size: int64(len(data))}, data, err
}

// ReadWithdrawal reads what a manifest says of a subject; ok is false if it is
// of another artifact type. now is when: a date that is still to come does not
// count yet. What cannot be understood is Refused.
func ReadWithdrawal(desc ocispec.Descriptor, data []byte, subject digest.Digest, now time.Time) (w Withdrawal, ok bool) {
	w.Manifest = desc.Digest
	doc, err := ParseDocument("its manifest", desc.MediaType, data)
	if err != nil {
		w.Refused = err
		return w, true
	}
	if doc.Type() != TypeLifecycle {
		return w, false
	}
	w.Reason = oneLine(doc.Annotations[AnnotationReason])
	if v, err := semver.StrictNewVersion(strings.TrimPrefix(doc.Annotations[AnnotationReplacement], "v")); err == nil {
		w.Replacement = v.String()
	}
	date := doc.Annotations[AnnotationEndOfLife]
	if w.Date, err = time.Parse(time.RFC3339, date); err != nil {
		w.Date, err = time.Parse(time.DateOnly, date)
	}
	switch {
	case doc.IsIndex():
		w.Refused = errors.New("is an index, and no manifest")
	case doc.Subject == nil || doc.Subject.Digest != subject:
		w.Refused = errors.New("its manifest has another subject")
	case err != nil:
		w.Refused = fmt.Errorf("its date %q is neither YYYY-MM-DD nor a time", cut(date))
	case w.Date.After(now):
		w.Refused = fmt.Errorf("its date, %s, is still to come", w.Date.UTC().Format(time.DateOnly))
	}
	return w, true
}

// oneLine makes of a registry's text a line of MaxReason bytes at most.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), MaxReason)], "")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == ' ' }), " ")
}

// Withdrawn returns the withdrawal that counts, the newest of several; nil where
// none does.
func Withdrawn(all []Withdrawal) *Withdrawal {
	var out *Withdrawal
	for i := range all {
		if all[i].Refused == nil && (out == nil || all[i].Date.After(out.Date)) {
			out = &all[i]
		}
	}
	return out
}

// maxNotCounted is how many withdrawals that do not count are told one by one.
const maxNotCounted = 10

// NotCounted returns the withdrawals that do not count, in words. That some could not
// be read is told unless one counts: then nothing depends on them.
func NotCounted(all []Withdrawal) []string {
	var out []string
	for _, w := range all {
		switch {
		case w.Refused != nil && w.Manifest != "":
			out = append(out, "a withdrawal is not counted: "+w.Manifest.String()+": "+w.Refused.Error())
		case w.Refused != nil && Withdrawn(all) == nil:
			out = append(out, "whether it was withdrawn is not known: "+w.Refused.Error())
		}
	}
	slices.Sort(out)
	if more := len(out) - maxNotCounted; more > 0 {
		out = append(out[:maxNotCounted:maxNotCounted], fmt.Sprintf("and %d more", more))
	}
	return out
}

// Roots returns what of a release is signed and withdrawn: what its tag or digest
// names, or in the tags layout each platform's manifest.
func (r *Release) Roots() []digest.Digest {
	if r.Layout != LayoutTags {
		return []digest.Digest{r.Digest}
	}
	var out []digest.Digest
	for _, b := range r.Builds {
		if !slices.Contains(out, b.Manifest) {
			out = append(out, b.Manifest)
		}
	}
	return out
}
