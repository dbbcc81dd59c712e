package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// tarred extracts (-x) or lists (-t) an archive, in gzip or not.
func tarred(c *call) error {
	data, err := c.read(c.flags['f'])
	if err != nil {
		return err
	}
	var r io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		if r, err = gzip.NewReader(r); err != nil {
			return err
		}
	}
	to := c.path(c.flags['C'])
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case c.has('t'):
			fmt.Fprintln(c.out, h.Name)
			continue
		case !filepath.IsLocal(h.Name):
			return fmt.Errorf("%s: leads out of the folder", h.Name)
		}
		file := filepath.Join(to, h.Name)
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(file, 0o755); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, text, h.FileInfo().Mode()); err != nil {
			return err
		}
	}
}

// find lists what is below folders: find FOLDER... [-name GLOB] [-type f|d].
func find(c *call) error {
	for _, root := range c.files {
		err := filepath.WalkDir(c.path(root), func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if ok, err := path.Match(c.flags['n'], d.Name()); c.has('n') && !ok || err != nil {
				return err
			}
			if kind := c.flags['t']; kind == "f" && !d.Type().IsRegular() || kind == "d" && !d.IsDir() {
				return nil
			}
			below, err := filepath.Rel(c.path(root), file)
			if err == nil {
				_, err = fmt.Fprintln(c.out, path.Join(root, filepath.ToSlash(below)))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
