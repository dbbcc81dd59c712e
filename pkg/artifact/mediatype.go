package artifact

import (
	"encoding/json"
	"fmt"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Docker's media types of what OCI calls index and manifest; registries that
// convert on the way may answer with them.
const (
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// IsIndex tells whether a media type is an index's.
func IsIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList
}

// IsManifest tells whether a media type is a manifest's.
func IsManifest(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageManifest || mediaType == dockerManifest
}

// mediaTypeOf decides what fetched bytes are. The registry's word alone would
// let one digest be an index for one reader and a manifest for another
// (CVE-2021-41190), so what the bytes say of themselves must agree with it.
func mediaTypeOf(reference string, desc ocispec.Descriptor, data []byte) (string, error) {
	var shape struct {
		MediaType                 string
		Manifests, Layers, Config json.RawMessage
	}
	if err := json.Unmarshal(data, &shape); err != nil {
		return "", &FormatError{reference, "manifest does not parse: " + err.Error()}
	}
	has := func(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
	if has(shape.Manifests) && (has(shape.Layers) || has(shape.Config)) {
		return "", &FormatError{reference, "is a manifest and an index at once"}
	}
	mediaType := desc.MediaType
	known := IsIndex(mediaType) || IsManifest(mediaType)
	switch stated := shape.MediaType; {
	case stated == "":
	case known && (IsIndex(stated) != IsIndex(mediaType) || IsManifest(stated) != IsManifest(mediaType)):
		return "", &FormatError{reference, fmt.Sprintf("was sent as %q and says that it is %q", mediaType, stated)}
	default:
		mediaType = stated
	}
	if !IsIndex(mediaType) && !IsManifest(mediaType) {
		return "", &FormatError{reference, fmt.Sprintf("media type %q is no manifest", mediaType)}
	}
	return mediaType, nil
}

// isMetadata tells whether a layer is surely no executable: a checksum, or a
// description such as the artifacts.json and index.json of the files layout.
func isMetadata(l ocispec.Descriptor) bool {
	title := l.Annotations[ocispec.AnnotationTitle]
	return strings.HasSuffix(title, ".sha256") || strings.HasSuffix(title, ".json") ||
		strings.HasPrefix(l.MediaType, "text/") || strings.HasSuffix(l.MediaType, "json")
}
