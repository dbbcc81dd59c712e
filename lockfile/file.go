package lockfile

import (
	"bytes"
	"fmt"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/diag"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/disk"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Load reads the lock in a file. Errors: fs.ErrNotExist if there is none,
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

func (e *SizeError) Kind() fault.Kind { return fault.Usage }

// Position is the file, and no line of it.
func (e *SizeError) Position() diag.Position { return diag.Position{File: e.File} }

// ReadFile reads the text of a lock for Parse, and no more of anything else than
// shows that it is none. Errors: fs.ErrNotExist if there is none, *SizeError,
// *diag.Error for what is not a file.
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
	return disk.Disk{}.WriteFile(file, data, disk.Writing{})
}
