package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Load reads the lock in a file. Errors: fs.ErrNotExist where there is none,
// *SizeError, and Parse's.
func Load(file string) (*Lock, error) {
	data, err := ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, data)
}

// SizeError says that a lock is larger than MaxSize.
type SizeError struct {
	File string
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s: is larger than %d MiB, which no lock is", e.File, MaxSize>>20)
}

// Kind is fault.Usage.
func (e *SizeError) Kind() fault.Kind { return fault.Usage }

// ReadFile reads the text of a lock for Parse, and no more of anything else than
// shows that it is none. Errors: fs.ErrNotExist where there is none, *SizeError,
// *diag.Error for what is no file.
func ReadFile(file string) ([]byte, error) {
	data, err := diag.ReadFile(file, MaxSize)
	if err != nil {
		return nil, err
	}
	if len(data) > MaxSize {
		return nil, &SizeError{file}
	}
	return data, nil
}

// Save writes the lock to a file unless it holds the same bytes already. The
// file is replaced whole: whoever reads it, at any time and after any crash,
// finds the old lock or the new one. A link in its place is replaced, not
// followed: it may come from a pull request and lead anywhere. A lock that
// Parse would refuse is not written; the error is then Parse's.
func (l *Lock) Save(file string) error {
	data := l.Encode()
	if _, err := Parse(file, data); err != nil {
		return err
	}
	if old, err := ReadFile(file); err == nil && bytes.Equal(old, data) {
		return nil
	}
	return replace(file, data)
}

// replace puts data in the place of a file by way of a sibling: rename is
// atomic within a folder only.
func replace(file string, data []byte) (err error) {
	temp, err := sibling(file)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temp.Name())
		}
	}()
	if old, e := os.Lstat(file); e == nil && old.Mode().IsRegular() {
		err = keepMode(temp, old.Mode().Perm())
	}
	if err == nil {
		_, err = temp.Write(data)
	}
	if err == nil {
		err = temp.Sync()
	}
	if e := temp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), file); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file))
}

// keepMode asks for a change only where one is needed: some file systems
// refuse any.
func keepMode(temp *os.File, mode fs.FileMode) error {
	info, err := temp.Stat()
	if err != nil || info.Mode().Perm() == mode {
		return err
	}
	return temp.Chmod(mode)
}

// sibling makes a new file beside a file, never following what may lie there
// under its name already.
func sibling(file string) (*os.File, error) {
	for try := 0; ; try++ {
		name := filepath.Join(filepath.Dir(file), fmt.Sprintf(".%s.tmp-%d-%d", filepath.Base(file), os.Getpid(), try))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			return f, nil
		}
		if errors.Is(err, fs.ErrExist) && try < 1000 {
			continue
		}
		// Nobody knows the sibling: what cannot be written is the file.
		if cause := new(fs.PathError); errors.As(err, &cause) {
			err = &fs.PathError{Op: "write", Path: file, Err: cause.Err}
		}
		return nil, err
	}
}
