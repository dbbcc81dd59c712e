package publish

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/unpack"
)

// Compression is how an archive is packed.
type Compression string

// The compressions. The host's own download reads gzip alone.
const (
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// gzipLevel is pinned: it is part of what makes an archive reproducible. The
// levels above cost six times the time for 2 % of the size.
const gzipLevel = 7

// zstdWindow is pinned as well, in bytes. With a quarter of the level's own,
// four archives packed at once take 24 MiB less, and are 1 % larger.
const zstdWindow = 2 << 20

// ParseCompression reads "gzip" or "zstd"; "" is gzip. Anything else is
// a fault.Usage.
func ParseCompression(s string) (Compression, error) {
	switch c := Compression(s); c {
	case "":
		return Gzip, nil
	case Gzip, Zstd:
		return c, nil
	}
	return "", fault.Errorf(fault.Usage, "compression %q: must be gzip or zstd", s)
}

func (c Compression) mediaType() string {
	if c == Zstd {
		return "application/zstd"
	}
	return "application/gzip"
}

func (c Compression) title(name string, p artifact.Platform) string {
	t := p.Archive(name)
	if c == Zstd {
		t = strings.TrimSuffix(t, ".gz") + ".zst"
	}
	return t
}

// writer returns a compressor whose output depends on its input alone: one
// goroutine, and a header without name and time.
func (c Compression) writer(w io.Writer) (io.WriteCloser, error) {
	if c == Zstd {
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
			zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow))
	}
	z, err := gzip.NewWriterLevel(w, gzipLevel)
	if err != nil {
		return nil, err
	}
	z.ModTime = time.Unix(0, 0) // the zero value is written as a time in 2042
	return z, nil
}

// Archive is a packed executable on disk.
type Archive struct {
	Platform       artifact.Platform
	Path           string // where the archive is
	Title          string // schemahero-NAME-OS-ARCH.tar.gz
	MediaType      string
	Digest         digest.Digest // of the archive
	Size           int64         // of the archive, in bytes
	Executable     digest.Digest // of the executable inside
	ExecutableSize int64         // in bytes
}

// sum returns the text of the .sha256 file beside the archive, as sha256sum(1)
// writes it.
func (a Archive) sum() string { return a.Digest.Encoded() + "  " + a.Title + "\n" }

// inDist is for files that another build makes again: a loss of power may take
// them.
var inDist = disk.Writing{Mode: 0o644, Durability: disk.Loose}

// pack writes dir/schemahero-NAME-OS-ARCH.tar.gz (.tar.zst), which holds the
// executable as schemahero-NAME-OS-ARCH[.exe], as today's releases do. Its
// bytes depend on nothing but the executable, the name and the platform:
// mode 0755, time zero, user and group 0, neither named. The file appears
// whole or not at all.
func pack(ctx context.Context, name string, p artifact.Platform, executable, dir string, c Compression) (Archive, error) {
	a := Archive{Platform: p, Title: c.title(name, p), MediaType: c.mediaType()}
	a.Path = filepath.Join(dir, a.Title)
	in, err := os.Open(executable)
	if err != nil {
		return a, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return a, err
	}
	if !info.Mode().IsRegular() {
		return a, &FileError{executable, "is not a regular file"}
	}
	a.ExecutableSize = info.Size()
	err = disk.Disk{}.Replace(a.Path, inDist, func(w *disk.Temp) error {
		sum := &counter{hash: sha256.New(), w: w}
		if a.Executable, err = compress(ctx, sum, in, a.ExecutableSize, entryName(name, p), c); err != nil {
			return err
		}
		a.Digest, a.Size = digest.NewDigest(digest.SHA256, sum.hash), sum.n
		// What grows more than this on the way back, no sync would take.
		var bomb *unpack.Error
		if err := unpack.CheckSize(a.Size, tarSize(a.ExecutableSize)); errors.As(err, &bomb) {
			return &LintError{Name: name, Problems: []Problem{{ProblemArchive, executable, "its archive " + bomb.Reason}}}
		}
		return nil
	})
	return a, err
}

// entryName is what the executable is called inside the archive.
func entryName(name string, p artifact.Platform) string {
	n := "schemahero-" + name + "-" + p.Suffix()
	if p.OS == "windows" {
		n += ".exe"
	}
	return n
}

func compress(ctx context.Context, w io.Writer, in *os.File, size int64, entry string, c Compression) (digest.Digest, error) {
	z, err := c.writer(w)
	if err != nil {
		return "", err
	}
	defer z.Close() // releases the encoder where an error comes first; closing twice does nothing
	t := tar.NewWriter(z)
	err = t.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: entry, Size: size, Mode: 0o755,
		ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
	})
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	// One byte more than announced would be a file that grew.
	n, err := io.Copy(io.MultiWriter(t, sum), io.LimitReader(&reader{ctx: ctx, r: in}, size+1))
	if errors.Is(err, tar.ErrWriteTooLong) || err == nil && n != size {
		return "", &FileError{in.Name(), "changed while it was packed"}
	}
	if err != nil {
		return "", err
	}
	if err := t.Close(); err != nil {
		return "", err
	}
	return digest.NewDigest(digest.SHA256, sum), z.Close()
}

// tarSize is the size of an archive of one file before it is compressed: a
// header, the file and the two blocks at the end, in blocks of 512 bytes.
func tarSize(file int64) int64 { return 512 + (file+511)/512*512 + 1024 }

// FileError says what is wrong with a file.
type FileError struct {
	File    string
	Problem string
}

func (e *FileError) Error() string { return e.File + ": " + e.Problem }

// Kind is fault.Failure.
func (e *FileError) Kind() fault.Kind { return fault.Failure }

// counter passes bytes on, and hashes and counts them.
type counter struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.hash.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// reader ends with the context's error, so that no copy outlives a command
// that was interrupted, and tells progress.
type reader struct {
	ctx  context.Context
	r    io.Reader
	seen func(n int)
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(p)
	if r.seen != nil && n > 0 {
		r.seen(n)
	}
	return n, err
}
