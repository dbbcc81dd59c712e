package unpack

import (
	"archive/tar"
	"errors"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxSize is how far a layer may expand, in bytes.
	maxSize = 1 << 30
	// maxRatio is how often its own size a layer may expand to, beyond freeSize.
	maxRatio = 200
	// freeSize may always be expanded to, in bytes: a few kilobytes of zeros
	// are a bomb to nobody.
	freeSize = 1 << 20
)

// limit returns the bytes to which a layer of size bytes may expand.
func limit(size int64) int64 {
	if size > maxSize/maxRatio {
		return maxSize
	}
	return max(freeSize, size*maxRatio)
}

// CheckSize refuses, as Extract would, a layer of size bytes that expands to
// content bytes. The error is an *Error.
func CheckSize(size, content int64) error {
	if content <= limit(size) {
		return nil
	}
	if limit(size) == maxSize {
		return refuse("expands to more than 1 GiB")
	}
	return refuse("expands to more than %d times its size", maxRatio)
}

// limited fails if more than left bytes come. (io.LimitReader would end,
// and make a bomb look like a short file.)
type limited struct {
	r    io.Reader
	left int64
	size int64 // of the layer
}

func (l *limited) Read(p []byte) (int, error) {
	// One more than may come, to see that it does.
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if int64(n) > l.left {
		return 0, CheckSize(l.size, limit(l.size)+1)
	}
	l.left -= int64(n)
	return n, err
}

// source remembers the error of the layer's reader, which no decoder can then
// pass on as if it were the layer's.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// sink remembers the error of writing, and tells it from that of what is read
// to be written.
type sink struct {
	w   io.ReaderFrom
	err error
}

func (s *sink) ReadFrom(r io.Reader) (int64, error) {
	from := &source{r: r}
	n, err := s.w.ReadFrom(from)
	if from.err != nil {
		return n, from.err
	}
	s.err = err
	return n, err
}

// describe makes an *Error of what a decoder says of a damaged stream, in other
// words if its own do not help.
func describe(err error) error {
	var refused *Error
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong):
		return refuse("tar: has a damaged header")
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
	return refuse("%v", err)
}
