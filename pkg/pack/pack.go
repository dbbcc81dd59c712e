// Package pack writes the archives in which drivers are published: a tar of one
// executable, compressed. Their bytes depend on nothing but the executable, its
// name and Version.
package pack

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Compression is how an archive is packed.
type Compression string

// The compressions. The host's own download reads gzip alone.
const (
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// Version names what the bytes of an archive depend on beside what is packed: the
// compressor and what it is told.
const Version = "klauspost/compress v1.20.3, gzip 7"

// gzipLevel is pinned: it is part of what makes an archive reproducible. The
// levels above cost six times the time for 2 % of the size.
const gzipLevel = 7

// zstdLevel and zstdWindow, in bytes, are pinned as well. Of a driver of 57.4 MB,
// which gzip makes 17.4 MB in 0.8 s, on one core:
//
//	better,  2 MiB  15.11 MB   0.7 s
//	better,  8 MiB  15.02 MB   0.9 s
//	best,    8 MiB  14.11 MB   3.7 s
//	best,   16 MiB  14.01 MB   3.7 s
//	best,   32 MiB  14.00 MB   4.2 s
//
// Inflating takes the same 0.07 s with each, in a bare process of 13, 21 and 36 MiB
// with windows of 8, 16 and 32: this program inflates several layers at once and
// stays below 64 MiB. 8 MiB is also what every reader is to support (RFC 8878,
// 3.1.1.1.2), published versions of this program among them.
const (
	zstdLevel  = zstd.SpeedBestCompression
	zstdWindow = 8 << 20
)

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

// ParseCompressions reads one or more of them with commas between, in the order in
// which a release has them whatever the order here. Errors: ParseCompression's.
func ParseCompressions(s string) ([]Compression, error) {
	var out []Compression
	for _, word := range strings.Split(s, ",") {
		c, err := ParseCompression(word)
		if err != nil || word == "" && s != "" {
			return nil, fault.Errorf(fault.Usage, "compression %q: must be gzip, zstd or gzip,zstd", s)
		}
		out = append(out, c)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// EntryName is what the executable is called inside the archive:
// schemahero-NAME-OS-ARCH[.exe].
func EntryName(name string, p artifact.Platform) string {
	n := "schemahero-" + name + "-" + p.Suffix()
	if p.OS == "windows" {
		n += ".exe"
	}
	return n
}

// Size is the size of an archive of one file before it is compressed: a header,
// the file and the two blocks at the end, in blocks of 512 bytes.
func Size(file int64) int64 { return 512 + (file+511)/512*512 + 1024 }

// ErrChanged says that an executable has not the size that was announced.
var ErrChanged = errors.New("changed while it was packed")

// Packed is what was written.
type Packed struct {
	Digest     digest.Digest // of the archive
	Size       int64         // of the archive, in bytes
	Tar        digest.Digest // of the archive before it was compressed
	Executable digest.Digest
}

// Write packs an executable of size bytes under the name entry: mode 0755, time
// zero, user and group 0, neither named. Errors: those of w and in, ErrChanged.
func Write(w io.Writer, in io.Reader, size int64, entry string, c Compression) (Packed, error) {
	out := &counter{hash: sha256.New(), w: w}
	z, err := c.writer(out)
	if err != nil {
		return Packed{}, err
	}
	defer z.Close() // releases the encoder where an error comes first; closing twice does nothing
	whole, executable := sha256.New(), sha256.New()
	t := tar.NewWriter(io.MultiWriter(z, whole))
	err = t.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: entry, Size: size, Mode: 0o755,
		ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
	})
	if err != nil {
		return Packed{}, err
	}
	// One byte more than announced would be a file that grew.
	n, err := io.Copy(io.MultiWriter(t, executable), io.LimitReader(in, size+1))
	if errors.Is(err, tar.ErrWriteTooLong) || err == nil && n != size {
		return Packed{}, ErrChanged
	}
	if err != nil {
		return Packed{}, err
	}
	if err := t.Close(); err != nil {
		return Packed{}, err
	}
	if err := z.Close(); err != nil {
		return Packed{}, err
	}
	return Packed{
		Digest: digest.NewDigest(digest.SHA256, out.hash), Size: out.n,
		Tar: digest.NewDigest(digest.SHA256, whole), Executable: digest.NewDigest(digest.SHA256, executable),
	}, nil
}

// writer returns a compressor whose output depends on its input alone: one
// goroutine, and a header without name and time.
func (c Compression) writer(w io.Writer) (io.WriteCloser, error) {
	if c == Zstd {
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstdLevel),
			zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow))
	}
	z, err := gzip.NewWriterLevel(w, gzipLevel)
	if err != nil {
		return nil, err
	}
	z.ModTime = time.Unix(0, 0) // the zero value is written as a time in 2042
	return z, nil
}

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
