package install

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/opencontainers/go-digest"
)

// Hash returns the SHA-256 of a file, following a link. It ends early, with
// ctx's error, when ctx is done.
func Hash(ctx context.Context, path string) (digest.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	buf := make([]byte, 128<<10)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := f.Read(buf)
		sum.Write(buf[:n])
		if err == io.EOF {
			return digest.NewDigest(digest.SHA256, sum), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// absent reports whether nothing is there: a file in the place of a folder above,
// or links that lead in a circle, are told once something is to be written.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}
