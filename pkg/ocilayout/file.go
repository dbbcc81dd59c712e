package ocilayout

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
)

// CheckFile refuses the name of a file that a bundle is not to replace: all but
// an empty file and what WriteTar wrote, even if it was cut after its index. Errors: *FileError, the
// file system's.
func CheckFile(file string) error {
	info, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &FileError{file, "already exists and is not a regular file"}
	}
	if info.Size() == 0 {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if !beginsBundle(f) {
		return &FileError{file, "already exists and is not a bundle"}
	}
	return nil
}

// beginsBundle reports whether r begins as WriteTar begins: with oci-layout and an
// index.json of ours.
func beginsBundle(r io.Reader) bool {
	files := tar.NewReader(r)
	h, err := files.Next()
	if err != nil || h.Name != ocispec.ImageLayoutFile {
		return false
	}
	if h, err = files.Next(); err != nil || h.Name != ocispec.ImageIndexFile {
		return false
	}
	data, err := io.ReadAll(io.LimitReader(files, maxLayoutIndex))
	if err != nil {
		return false
	}
	index, err := artifact.ParseDocument(h.Name, ocispec.MediaTypeImageIndex, data)
	return err == nil && index.Annotations[AnnotationLock] != ""
}
