package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"time"

	"github.com/opencontainers/go-digest"
)

// entry is a file of an archive, or a folder.
type entry struct {
	name  string // in the archive
	path  string // "" for a folder
	mode  int64
	owner int // user and group
}

// pack writes a .tar.gz that depends on nothing but the files' bytes, their
// names and modes, and the time given. It returns the digest of the tar.
func pack(to string, at time.Time, files ...entry) (digest.Digest, error) {
	f, err := os.Create(to)
	if err != nil {
		return "", err
	}
	// No name and no time in gzip's own header.
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return "", errors.Join(err, f.Close())
	}
	hash := sha256.New()
	t := tar.NewWriter(io.MultiWriter(z, hash))
	for _, e := range files {
		if err := add(t, e, at); err != nil {
			return "", errors.Join(err, f.Close())
		}
	}
	err = errors.Join(t.Close(), z.Close(), f.Close())
	return digest.NewDigest(digest.SHA256, hash), err
}

func add(t *tar.Writer, e entry, at time.Time) error {
	header := &tar.Header{
		Typeflag: tar.TypeDir, Name: e.name, Mode: e.mode, ModTime: at, Uid: e.owner, Gid: e.owner, Format: tar.FormatUSTAR,
	}
	if e.owner == 0 {
		header.Uname, header.Gname = "root", "root"
	}
	if e.path == "" {
		return t.WriteHeader(header)
	}
	f, err := os.Open(e.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}
