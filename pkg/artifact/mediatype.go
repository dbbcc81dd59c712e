package artifact

import (
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

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
