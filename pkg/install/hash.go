package install

import (
	"context"
	"crypto/sha256"
	"io"
	"os"

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
