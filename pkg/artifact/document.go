package artifact

import (
	"bytes"
	"cmp"
	_ "crypto/sha256" // what is accepted as a digest can be computed
	_ "crypto/sha512"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxBlob is the size over which a blob is not believed to exist, in bytes. It
// keeps sums of sizes far from overflowing.
const maxBlob = 64 << 30

// Document is an index or a manifest whose bytes have been read by
// ParseDocument. An index has no layers, a manifest no Manifests.
type Document struct {
	ocispec.Manifest
	Manifests []ocispec.Descriptor `json:"manifests"`
}

// IsIndex reports whether the document is an index.
func (d *Document) IsIndex() bool { return IsIndex(d.MediaType) }

// Type is the artifact type, or the config's media type, where image-spec 1.0
// had it.
func (d *Document) Type() string { return cmp.Or(d.ArtifactType, d.Config.MediaType) }

// DocumentError says why bytes are no index or manifest that can be followed. It
// unwraps to the *FormatError that says the same.
type DocumentError struct{ FormatError }

func (e *DocumentError) Unwrap() error { return &e.FormatError }

// MediaTypeOf returns the media type of what should be an index or manifest: what
// the bytes say before what their carrier says, which no digest protects. Who has
// them from a cache or layout comes to the same result.
func MediaTypeOf(carrier string, data []byte) string {
	if doc, err := ParseDocument("", "", data); err == nil {
		return doc.MediaType
	}
	return carrier // who reads it is told why it is none
}

// Entry returns what a manifest or index refers to, "" for nothing, and the
// descriptor that lists it among the referrers (distribution-spec, "Pushing
// Manifests with Subject").
func Entry(desc ocispec.Descriptor, data []byte) (subject digest.Digest, entry ocispec.Descriptor) {
	doc, err := ParseDocument("", desc.MediaType, data)
	if err != nil || doc.Subject == nil {
		return "", ocispec.Descriptor{}
	}
	return doc.Subject.Digest, ocispec.Descriptor{
		MediaType: desc.MediaType, Digest: desc.Digest, Size: int64(len(data)),
		ArtifactType: doc.Type(), Annotations: doc.Annotations,
	}
}

// ParseDocument is the one reader of indexes and manifests. mediaType is what
// the carrier calls the bytes, "" if it does not say; subject is how errors
// name them. What is returned has a media type of an index or of a manifest,
// and every descriptor in it has a digest that can become a path and a size
// that can be added up.
//
// The carrier's word alone would let one digest be an index for one reader and
// a manifest for another (CVE-2021-41190), so the carrier, the stated media type
// and the fields have to agree. The error is a *DocumentError.
func ParseDocument(subject, mediaType string, data []byte) (*Document, error) {
	refuse := func(format string, args ...any) (*Document, error) {
		return nil, &DocumentError{FormatError{subject, fmt.Sprintf(format, args...)}}
	}
	var raw struct {
		ocispec.Manifest
		Manifests json.RawMessage `json:"manifests"` // in place of the embedded ones
		Layers    json.RawMessage `json:"layers"`
		Config    json.RawMessage `json:"config"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return refuse("does not parse: %v", err)
	}
	there := func(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
	lists, holds := there(raw.Manifests), there(raw.Layers) || there(raw.Config)
	d := Document{Manifest: raw.Manifest}
	stated := d.MediaType
	switch known := IsIndex(mediaType) || IsManifest(mediaType); {
	case known && stated != "" && (IsIndex(stated) != IsIndex(mediaType) || IsManifest(stated) != IsManifest(mediaType)):
		return refuse("was sent as %q and says that it is %q", mediaType, stated)
	case stated != "":
	case known:
		d.MediaType = mediaType
	case lists:
		d.MediaType = ocispec.MediaTypeImageIndex
	case there(raw.Layers) && there(raw.Config):
		d.MediaType = ocispec.MediaTypeImageManifest
	default:
		d.MediaType = mediaType
	}
	switch {
	case lists && holds, lists && IsManifest(d.MediaType), holds && IsIndex(d.MediaType):
		return refuse("is a manifest and an index at once")
	case !IsIndex(d.MediaType) && !IsManifest(d.MediaType):
		return refuse("media type %q is neither an index's nor a manifest's", d.MediaType)
	}
	problem := cmp.Or(descriptors(raw.Manifests, "manifest", &d.Manifests), descriptors(raw.Layers, "layer", &d.Layers))
	if there(raw.Config) && problem == "" {
		if err := json.Unmarshal(raw.Config, &d.Config); err != nil {
			return refuse("does not parse: %v", err)
		}
	}
	if d.Config.Digest != "" { // some write a config that is left out as one of zero values
		problem = cmp.Or(problem, descriptorProblem("config", d.Config))
	}
	if d.Subject != nil {
		problem = cmp.Or(problem, descriptorProblem("subject", *d.Subject))
	}
	if problem != "" {
		return refuse("%s", problem)
	}
	return &d, nil
}

// AsBlob describes bytes as a blob, whatever a manifest calls them: without
// annotations, and under no media type that would make a registry look for a manifest.
func AsBlob(d digest.Digest, size int64) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: "application/octet-stream", Digest: d, Size: size}
}

// EncodeDocument writes an index or a manifest, without escapes for HTML: a
// constraint such as >=0.24 is to be read in the raw JSON. With an indent, which
// stands before each level, it is for people and diffs and ends in a newline.
func EncodeDocument(document any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(document); err != nil {
		return nil, err
	}
	if indent == "" {
		return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
	}
	return b.Bytes(), nil
}

// descriptors reads a list and returns what is wrong with it. It ends at the
// first that is wrong, since a few bytes can make a list of a million.
func descriptors(raw json.RawMessage, what string, list *[]ocispec.Descriptor) (problem string) {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil || open != json.Delim('[') {
		return fmt.Sprintf("does not parse: %ss: not a list", what)
	}
	for i := 1; dec.More(); i++ {
		var d ocispec.Descriptor
		if err := dec.Decode(&d); err != nil {
			return fmt.Sprintf("does not parse: %s %d: %v", what, i, err)
		}
		if problem := descriptorProblem(fmt.Sprintf("%s %d", what, i), d); problem != "" {
			return problem
		}
		*list = append(*list, d)
	}
	return ""
}

func descriptorProblem(what string, d ocispec.Descriptor) string {
	switch {
	case !IsContentDigest(d.Digest):
		return fmt.Sprintf("%s: digest %q is neither a SHA-256 nor a SHA-512", what, cut(d.Digest.String()))
	case d.Size < 0 || d.Size > maxBlob:
		return fmt.Sprintf("%s: size %d is not between 0 and %d", what, d.Size, int64(maxBlob))
	case d.MediaType != "" && !isMediaType(d.MediaType):
		return fmt.Sprintf("%s: media type %q is not TYPE/SUBTYPE", what, cut(d.MediaType))
	}
	return ""
}

// cut keeps what a message quotes of a registry's text to a line's length.
func cut(s string) string { return s[:min(len(s), 160)] }

// IsContentDigest reports whether d is "sha256:" or "sha512:" and as many
// lower-case hexadecimal digits as the algorithm has.
func IsContentDigest(d digest.Digest) bool {
	algorithm, encoded, _ := strings.Cut(d.String(), ":")
	switch digest.Algorithm(algorithm) {
	case digest.SHA256:
		return isHex(encoded, 64)
	case digest.SHA512:
		return isHex(encoded, 128)
	}
	return false
}

// isMediaType reports whether s is TYPE/SUBTYPE[; PARAMETERS] in printable
// ASCII of at most 255 bytes (RFC 6838, section 4.2; parameters stand in what
// some tools write).
func isMediaType(s string) bool {
	kind, rest, ok := strings.Cut(s, "/")
	printable := !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
	return ok && kind != "" && rest != "" && len(s) <= 255 && printable && !strings.Contains(kind, " ")
}

// ReferrersTag is the tag of the index that lists the referrers of a digest
// if a registry has no referrers API (distribution-spec, "Referrers Tag
// Schema"). With .sig behind it, it is where cosign before 3 kept signatures.
func ReferrersTag(d digest.Digest) string {
	tag := strings.Replace(d.String(), ":", "-", 1)
	return tag[:min(len(tag), 128)]
}

// IsDigest reports whether s is "sha256:" and 64 lower-case hexadecimal digits,
// the only form that a lock holds.
func IsDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && isHex(hex, 64)
}

func isHex(s string, digits int) bool {
	// A comparison with each character takes ten times as long: which of digits and
	// letters comes next, no processor foresees.
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

// Docker's media types of what OCI calls index and manifest; registries that
// convert on the way may answer with them.
const (
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// DocumentTypes returns the media types of indexes and manifests.
func DocumentTypes() []string {
	return []string{ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest, dockerList, dockerManifest}
}

// IsIndex reports whether a media type is an index's.
func IsIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList
}

// IsManifest reports whether a media type is a manifest's.
func IsManifest(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageManifest || mediaType == dockerManifest
}

// isMetadata reports whether a layer is surely no executable: a checksum, or a
// description such as the artifacts.json and index.json of the files layout.
func isMetadata(l ocispec.Descriptor) bool {
	title := FileName(l)
	return strings.HasSuffix(title, ".sha256") || strings.HasSuffix(title, ".json") ||
		strings.HasPrefix(l.MediaType, "text/") || strings.HasSuffix(l.MediaType, "json")
}
