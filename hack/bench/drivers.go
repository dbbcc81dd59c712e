package main

import (
	"archive/tar"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/pack"
)

// segment is how much machine code is deflated at a time. Repeated at that
// distance or more, bytes are out of reach of gzip's window of 32 KiB, so that
// a driver made of repetitions compresses no better than its parts.
const segment = 1 << 20

// code is real machine code, in pieces that were deflated each for itself.
// Because they are byte-aligned and refer to nothing before them, any sequence
// of them is a stream: a driver of 79 MB is compressed in no time.
type code struct {
	plain, deflated [][]byte
}

// compressibility is what real drivers compress to: 16.9 of 57 MB, 24 of 79.
const compressibility = 0.30

// goCode reads the Go compiler, itself a Go program of 26 MB. The pieces that
// compress worst, debug information that a stripped driver has not, are left
// out until the rest compresses as real drivers do.
func goCode() (*code, error) {
	out, err := exec.Command("go", "tool", "-n", "compile").Output()
	if err != nil {
		return nil, fmt.Errorf("go tool -n compile: %w", err)
	}
	data, err := os.ReadFile(strings.TrimSpace(string(out)))
	if err != nil {
		return nil, err
	}
	c := &code{}
	for piece := range slices.Chunk(data[:len(data)/segment*segment], segment) {
		c.plain, c.deflated = append(c.plain, piece), append(c.deflated, deflate(piece, false))
	}
	for c.ratio() > compressibility {
		worst := 0
		for i, d := range c.deflated {
			if len(d) > len(c.deflated[worst]) {
				worst = i
			}
		}
		c.plain, c.deflated = slices.Delete(c.plain, worst, worst+1), slices.Delete(c.deflated, worst, worst+1)
	}
	if len(c.plain) == 0 {
		return nil, fmt.Errorf("the Go compiler has no machine code of %d bytes", segment)
	}
	return c, nil
}

// ratio is what the pieces compress to.
func (c *code) ratio() float64 {
	size := 0
	for _, d := range c.deflated {
		size += len(d)
	}
	return float64(size) / float64(max(1, len(c.plain)*segment))
}

// deflate compresses as gzip does by default. Unless last, it ends at a byte.
func deflate(data []byte, last bool) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression) // refuses only unknown levels
	w.Write(data)
	if last {
		w.Close()
	} else {
		w.Flush()
	}
	return b.Bytes()
}

// driver is a release's archive for this machine.
type driver struct {
	name, version string
	layer         blob
	executable    string // digest
	size          int64  // of the executable, bytes
}

type blob struct {
	digest string
	size   int64
}

// executable is a driver of about size bytes: a block of its own, and so many pieces in
// turn.
func (c *code) executable(name, version string, about int64) (head []byte, segments int, size int64) {
	head = make([]byte, 512)
	copy(head, "\x7fELF stand-in for driver "+name+" "+version)
	segments = int(about / segment)
	return head, segments, int64(len(head) + segments*segment)
}

// packZstd is pack as push does it in zstd. Its window of 8 MiB is wide, but a piece
// comes again only after all others.
func (c *code) packZstd(dir, name, version string, size int64) (driver, error) {
	head, segments, size := c.executable(name, version, size)
	parts := []io.Reader{bytes.NewReader(head)}
	for i := range segments {
		parts = append(parts, bytes.NewReader(c.plain[i%len(c.plain)]))
	}
	f, err := os.CreateTemp(dir, "driver-")
	if err != nil {
		return driver{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	p, err := pack.Write(f, io.MultiReader(parts...), size, "schemahero-"+name, pack.Zstd)
	if err != nil {
		return driver{}, err
	}
	d := driver{name: name, version: version, layer: blob{p.Digest.String(), p.Size}, executable: p.Executable.String(), size: size}
	return d, os.Rename(f.Name(), filepath.Join(dir, p.Digest.Encoded()))
}

// pack writes the archive of a driver of so many bytes to dir, named by its
// digest. Drivers differ in their first block, which names them.
func (c *code) pack(dir, name, version string, size int64) (driver, error) {
	f, err := os.CreateTemp(dir, "driver-")
	if err != nil {
		return driver{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	layer, executable, crc := sha256.New(), sha256.New(), crc32.NewIEEE()
	out := &counting{w: io.MultiWriter(f, layer)}
	plain := &counting{w: crc} // the tar, as gzip's trailer counts it

	head, segments, size := c.executable(name, version, size)
	var header bytes.Buffer
	t := tar.NewWriter(&header)
	t.WriteHeader(&tar.Header{Name: "schemahero-" + name, Typeflag: tar.TypeReg, Mode: 0o755, Size: size})
	header.Write(head)
	executable.Write(head)
	plain.Write(header.Bytes())
	out.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}) // RFC 1952, 2.3
	out.Write(deflate(header.Bytes(), false))
	for i := range segments {
		at := i % len(c.plain)
		plain.Write(c.plain[at])
		executable.Write(c.plain[at])
		out.Write(c.deflated[at])
	}
	end := make([]byte, 1024) // of a tar
	plain.Write(end)
	out.Write(deflate(end, true))
	trailer := binary.LittleEndian.AppendUint32(nil, crc.Sum32())
	out.Write(binary.LittleEndian.AppendUint32(trailer, uint32(plain.n)))
	if out.err != nil {
		return driver{}, out.err
	}
	d := driver{name: name, version: version, layer: blob{digest(layer), out.n}, executable: digest(executable), size: size}
	return d, os.Rename(f.Name(), filepath.Join(dir, hexOf(d.layer.digest)))
}

// counting remembers how much was written, and the first failure.
type counting struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

func digest(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

func hexOf(digest string) string { return strings.TrimPrefix(digest, "sha256:") }
