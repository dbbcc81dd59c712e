package artifact

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// FileName is the name of the file that a layer holds: the last part of its
// title, since oras takes the folder that a file was pushed from into it. It is ""
// where the title names none. It is text from a registry: CheckFile tells
// whether it can be a file's name.
func FileName(l ocispec.Descriptor) string {
	title := l.Annotations[ocispec.AnnotationTitle]
	return title[strings.LastIndexAny(title, `/\`)+1:]
}

// titlePlatform reads the platform at the end of a layer's file name, and what
// stands before it: ("schemahero-postgres", linux/amd64) for the archive
// schemahero-postgres-linux-amd64.tar.gz.
func titlePlatform(title string) (before string, p Platform, ok bool) {
	for _, ext := range []string{".tar.gz", ".tgz", ".tar.zst", ".tar", ".gz", ".zst"} {
		if t, ok := strings.CutSuffix(title, ext); ok {
			title = t
			break
		}
	}
	return CutPlatform(strings.TrimSuffix(title, ".exe"))
}

// compatible reports whether two names of a platform can mean the same: a title
// may leave out the variant that an index gives (linux-arm for linux/arm/v7).
func (p Platform) compatible(q Platform) bool {
	return p.OS == q.OS && p.Arch == q.Arch && (p.Variant == q.Variant || p.Variant == "" || q.Variant == "")
}

// CheckFile reports why s is not a bare file name, as a lock may record it.
func CheckFile(s string) error {
	bare := s != "" && len(s) <= 255 && s != "." && s != ".." &&
		utf8.ValidString(s) && !strings.ContainsAny(s, `/\:`) && !strings.ContainsFunc(s, unicode.IsControl)
	if !bare {
		return &FormatError{fmt.Sprintf("%q", s), "is not a bare file name"}
	}
	return nil
}
