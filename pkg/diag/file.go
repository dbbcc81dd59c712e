package diag

import (
	"io"
	"os"
	"path/filepath"
)

// ReadFile reads a document from a file, but for a larger one than ParseTOML
// takes only as much as shows that.
func ReadFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, TooLarge+1))
}

// Path returns the absolute path of a file that the document names relative to
// its own folder, with slashes.
func (d *Document) Path(file string) string {
	if file = filepath.FromSlash(file); !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(d.File), file)
	}
	if abs, err := filepath.Abs(file); err == nil {
		return abs
	}
	return file
}
