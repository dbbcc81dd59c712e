package ocilayout

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// bundle is a layout in a tar, read from where its files are in it.
type bundle struct {
	file  *os.File
	parts map[string]span
}

// span is where a file's bytes are.
type span struct{ offset, size int64 }

const (
	tarBlock      = 512
	maxTarEntries = 100_000
)

// openTar reads the headers of a tar once. Only what ends in its two zero blocks
// is whole (POSIX, pax, "ustar Interchange Format"): a copy that broke off
// between two files would otherwise look like a smaller bundle.
func openTar(name string) (*bundle, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	b := &bundle{file: file, parts: map[string]span{}}
	if err := b.scan(name); err != nil {
		file.Close()
		return nil, err
	}
	return b, nil
}

func (b *bundle) scan(name string) error {
	broken := func(problem string) error { return &Error{Path: name, Problem: problem} }
	r := tar.NewReader(b.file)
	end := int64(0) // of the last file and its padding
	for range maxTarEntries {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return b.checkEnd(name, end)
		}
		if err != nil && end == 0 {
			return &Error{Path: name, Problem: "is neither an OCI image layout nor a tar of one", NoLayout: true}
		}
		if err != nil {
			return broken("is cut off, or damaged: its tar headers do not follow one another")
		}
		offset, err := b.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		end = offset
		// Unpacked with another tool, it must not write outside the folder.
		if !fs.ValidPath(path.Clean(h.Name)) || strings.Contains(h.Name, `\`) {
			return broken("holds " + short(h.Name) + ", which leads out of it")
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if h.Typeflag != tar.TypeReg || h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != "" {
			return broken("holds " + short(h.Name) + ", which is not a regular file")
		}
		end += (h.Size + tarBlock - 1) / tarBlock * tarBlock
		key := path.Clean(h.Name)
		if _, twice := b.parts[key]; twice {
			return broken("holds " + short(h.Name) + " twice")
		}
		b.parts[key] = span{offset, h.Size}
	}
	return broken("holds too many files")
}

// checkEnd checks that two blocks of zeros follow the last file, and nothing but
// zeros after them (tar pads its records).
func (b *bundle) checkEnd(name string, end int64) error {
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < end+2*tarBlock {
		return &Error{Path: name, Problem: "is cut off: a tar ends in two blocks of zeros"}
	}
	zeros := make([]byte, 64<<10)
	buf := make([]byte, len(zeros))
	tail := io.NewSectionReader(b.file, end, info.Size()-end)
	for {
		n, err := tail.Read(buf)
		if !bytes.Equal(buf[:n], zeros[:n]) {
			return &Error{Path: name, Problem: "is damaged: something follows its end"}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (b *bundle) open(name string) (io.ReadSeekCloser, int64, error) {
	at, ok := b.parts[strings.TrimPrefix(name, "./")]
	if !ok {
		return nil, 0, fs.ErrNotExist
	}
	return section{io.NewSectionReader(b.file, at.offset, at.size)}, at.size, nil
}

// section is a file of a tar, which stays open.
type section struct{ *io.SectionReader }

// Close implements io.Closer.
func (section) Close() error { return nil }

// list implements layoutFiles.
func (b *bundle) list() (names []string, sealed bool, err error) {
	return slices.Sorted(maps.Keys(b.parts)), true, nil
}

// Close implements layoutFiles.
func (b *bundle) Close() error { return b.file.Close() }

// short keeps what a message quotes of a tar's text to a line's length.
func short(s string) string { return fmt.Sprintf("%.100q", s) }
