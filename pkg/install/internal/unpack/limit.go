package unpack

import (
	"errors"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// limited fails where more than left bytes come. (io.LimitReader would end,
// and make a bomb look like a short file.)
type limited struct {
	r    io.Reader
	left int64
	d    Driver
}

func (l *limited) Read(p []byte) (int, error) {
	// One more than may come, to see that it does.
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if int64(n) > l.left {
		if l.d.limit() == MaxSize {
			return 0, refuse("expands to more than 1 GiB")
		}
		return 0, refuse("expands to more than %d times its size", MaxRatio)
	}
	l.left -= int64(n)
	return n, err
}

// describe says what a damaged stream has, where the decoder's own words help
// nobody. Errors of the source and of the destination stay what they are.
func describe(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gzip.ErrHeader):
		return refuse("gzip: has no header where one should be, or other data at its end")
	case errors.Is(err, gzip.ErrChecksum):
		return refuse("gzip: checksum mismatch")
	case errors.As(err, &corrupt):
		return refuse("gzip: is damaged")
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return refuse("zstd: needs a window of more than %d MiB", maxWindow>>20)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refuse("ends too early")
	}
	return err
}
