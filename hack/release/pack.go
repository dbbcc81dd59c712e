package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"time"
)

// entry is a file of an archive.
type entry struct {
	name string // in the archive
	path string
	mode int64
}

// pack writes a .tar.gz that depends on nothing but the files' bytes, their
// names and modes, and the time given.
func pack(to string, at time.Time, files ...entry) error {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	// No name and no time in gzip's own header.
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	t := tar.NewWriter(z)
	for _, e := range files {
		if err := add(t, e, at); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(t.Close(), z.Close(), f.Close())
}

func add(t *tar.Writer, e entry, at time.Time) error {
	f, err := os.Open(e.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: info.Size(), ModTime: at,
		Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
	}
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}
