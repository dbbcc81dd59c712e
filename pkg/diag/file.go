package diag

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// ReadFile reads a file that a person may have written, or a pull request: of a
// larger one than limit bytes only as much as shows that, and of a device or a
// pipe, behind a link for one, nothing. Errors: those of the file system; an
// *Error if it is not a file that can be read whole.
func ReadFile(file string, limit int64) ([]byte, error) {
	// A pipe would keep the opener waiting for somebody who writes to it.
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if target, e := os.Readlink(file); e == nil {
			return nil, unreadableLink(file, target, err)
		}
		return nil, belowFile(file, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, NewDocument(file, nil).At(Span{}, "is a directory")
	case !info.Mode().IsRegular():
		return nil, NewDocument(file, nil).At(Span{}, "is not a regular file")
	}
	var data bytes.Buffer
	data.Grow(int(min(info.Size(), limit)) + bytes.MinRead)
	_, err = data.ReadFrom(io.LimitReader(f, limit+1))
	return data.Bytes(), err
}

// unreadableLink says of a link that leads nowhere where that is: that the file
// does not exist would be half of the truth.
func unreadableLink(file, target string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return NewDocument(file, nil).At(Span{}, "is a link to %s, which does not exist", target)
	case system.Is(err, syscall.ELOOP):
		return NewDocument(file, nil).At(Span{}, "is a link to %s, which leads back to it", target)
	}
	return err
}

// belowFile says of a path that leads through a file what Unix says of it: to Windows
// it is not there, but what is in the way of a policy does not do away with it.
func belowFile(file string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		info, e := os.Stat(dir)
		switch {
		case e == nil && !info.IsDir():
			return &fs.PathError{Op: "open", Path: file, Err: system.NotDir}
		case e == nil, dir == filepath.Dir(dir):
			return err
		}
	}
}

// Path returns the absolute path of a file that the document names relative to
// its own folder, with slashes.
func (d *Document) Path(file string) string {
	file = filepath.FromSlash(file)
	dir, err := filepath.Abs(filepath.Dir(d.File))
	if err != nil {
		return filepath.Join(filepath.Dir(d.File), file)
	}
	return system.Abs(dir, file)
}
