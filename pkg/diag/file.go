package diag

import (
	"io"
	"os"
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
