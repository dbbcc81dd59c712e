package artifact

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// CheckSum holds a build against the .sha256 layer published beside it, where
// there is one. Errors: the Reader's, *FormatError, *SumError.
func CheckSum(ctx context.Context, r Reader, b Build) error {
	if b.Sum == nil {
		return nil
	}
	file := b.File + ".sha256"
	if b.Sum.Size > MaxMetadata || b.Sum.Size < 0 {
		return &FormatError{file, "is too large for a checksum"}
	}
	rc, err := r.Blob(ctx, *b.Sum)
	if err != nil {
		return err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, MaxMetadata+1))
	if err != nil {
		return err
	}
	if int64(len(data)) != b.Sum.Size { // then the digest was not checked either
		return &FormatError{file, fmt.Sprintf("has not the %d bytes that the manifest states", b.Sum.Size)}
	}
	stated, err := ParseSum(string(data), b.File)
	if err != nil {
		return err
	}
	if computed := b.Layer.Digest.Encoded(); stated != computed {
		return &SumError{File: b.File, Stated: stated, Computed: computed}
	}
	return nil
}

// ParseSum finds a file's SHA-256, in lower-case hex, in what sha256sum(1)
// wrote: lines of "HEX  NAME" or "HEX *NAME", or the bare HEX alone.
func ParseSum(text, file string) (string, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range lines {
		sum, name, named := strings.Cut(strings.TrimSpace(line), " ")
		name = strings.TrimPrefix(strings.TrimSpace(name), "*")
		// A publisher's build folder may stand before the name.
		if at := strings.LastIndexAny(name, `/\`); at >= 0 {
			name = name[at+1:]
		}
		if name != file && (named || len(lines) > 1) {
			continue
		}
		sum = strings.ToLower(sum)
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != 32 {
			return "", &FormatError{file + ".sha256", "holds no SHA-256"}
		}
		return sum, nil
	}
	return "", &FormatError{file + ".sha256", "does not name " + file}
}
