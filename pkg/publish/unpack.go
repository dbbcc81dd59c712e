package publish

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// maxExecutable is the size over which no executable is taken out of an
// archive, in bytes; readers of releases have the same limit.
const maxExecutable = 1 << 30

// ArchiveError says why a file that was to hold an executable does not.
type ArchiveError struct {
	File    string
	Problem string
}

func (e *ArchiveError) Error() string { return e.File + ": " + e.Problem }

// Kind is fault.Failure.
func (e *ArchiveError) Kind() fault.Kind { return fault.Failure }

// isArchive tells whether a file is compressed, or is a tar archive, by its first
// bytes.
func isArchive(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF {
		return false, err
	}
	return isGzip(head[:n]) || isZstd(head[:n]) || isTar(head[:n]), nil
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte{0x1f, 0x8b}) }
func isTar(head []byte) bool  { return len(head) == 512 && string(head[257:262]) == "ustar" }
func isZstd(head []byte) bool { return bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) }

// unpack takes the executable out of a layer, an archive or the bare
// executable, and writes it to a new file in dir. It returns the file and the
// executable's digest. Exactly one entry must bear the driver's name; nothing
// else of the archive is written. Errors: *ArchiveError, the disk's.
func unpack(ctx context.Context, layer, name string, p artifact.Platform, dir string) (file string, sum digest.Digest, err error) {
	in, err := os.Open(layer)
	if err != nil {
		return "", "", err
	}
	defer in.Close()
	fail := func(problem string) error {
		if err := ctx.Err(); err != nil {
			return err // which the reader passed on as if it were the archive's
		}
		return &ArchiveError{filepath.Base(layer), problem}
	}
	buf := bufio.NewReaderSize(&reader{ctx: ctx, r: in}, 64<<10)
	plain, done, err := decompress(buf)
	if err != nil {
		return "", "", fail(err.Error())
	}
	defer done()
	out, err := os.CreateTemp(dir, "schemahero-"+name+"-*")
	if err != nil {
		return "", "", err
	}
	defer func() {
		out.Close()
		if err != nil {
			os.Remove(out.Name())
		}
	}()
	hash := sha256.New()
	// take copies one entry, telling the disk's errors from the archive's.
	take := func(r io.Reader) error {
		from := &source{r: io.LimitReader(r, maxExecutable+1)}
		n, err := io.Copy(io.MultiWriter(out, hash), from)
		switch {
		case from.err != nil:
			return fail(from.err.Error())
		case n > maxExecutable:
			return fail(fmt.Sprintf("holds an executable of more than %d bytes", int64(maxExecutable)))
		}
		return err
	}
	// What stands before the entry is inflated too, so that has a limit as well.
	body := bufio.NewReaderSize(io.LimitReader(plain, 2*maxExecutable), 1024)
	if head, _ := body.Peek(512); !isTar(head) {
		if err := take(body); err != nil {
			return "", "", err
		}
		return out.Name(), digest.NewDigest(digest.SHA256, hash), out.Chmod(0o755)
	}
	found := false
	t := tar.NewReader(body)
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", "", fail(err.Error())
		}
		if entry := path.Clean(h.Name); entry != entryName(name, p) && entry != p.Executable(name) {
			continue
		}
		if h.Typeflag != tar.TypeReg {
			return "", "", fail(h.Name + " is no regular file")
		}
		if found {
			return "", "", fail("holds two executables of " + name)
		}
		found = true
		if err := take(t); err != nil {
			return "", "", err
		}
	}
	if !found {
		return "", "", fail("holds no " + entryName(name, p))
	}
	return out.Name(), digest.NewDigest(digest.SHA256, hash), out.Chmod(0o755)
}

// decompress undoes gzip and zstd, and passes everything else on.
func decompress(r *bufio.Reader) (plain io.Reader, done func(), err error) {
	head, _ := r.Peek(4)
	switch {
	case isGzip(head):
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	case isZstd(head):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return r, func() {}, nil
}

// source remembers the error of what is read, which io.Copy does not tell
// from that of what is written.
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
