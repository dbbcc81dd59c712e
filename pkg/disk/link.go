package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// LinkError says that a symbolic link leads nowhere.
type LinkError struct {
	Path   string // of the link
	Target string // what it says
	Circle bool   // it leads back to itself; otherwise there is nothing at its end
}

func (e *LinkError) Error() string { return e.Path + ": " + e.Problem() }

// Problem is the text of the error without its path.
func (e *LinkError) Problem() string {
	if e.Circle {
		return fmt.Sprintf("is a link to %s, which leads back to it", e.Target)
	}
	return fmt.Sprintf("is a link to %s, which does not exist", e.Target)
}

// Kind implements fault.Kind's interface.
func (e *LinkError) Kind() fault.Kind { return fault.Failure }

// Target returns the file that a path leads to through links, the path itself
// if it is not a link or nothing is there. Errors: *LinkError, *fs.PathError.
func Target(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return path, nil
	}
	// Opening fails in the system's own words, which EvalSymlinks replaces.
	if _, err := os.Stat(path); err != nil {
		return "", Explain(path, err)
	}
	return filepath.EvalSymlinks(path)
}

// Explain returns the *LinkError that is behind a failure at path, whether the
// link is its last element or one before; err if there is no such link.
func Explain(path string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) && !system.Is(err, syscall.ELOOP) {
		return err
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		if info, e := os.Lstat(dir); e == nil {
			if info.Mode()&fs.ModeSymlink == 0 {
				return err
			}
			_, e := os.Stat(dir)
			target, _ := os.Readlink(dir)
			switch {
			case system.Is(e, syscall.ELOOP):
				return &LinkError{Path: dir, Target: target, Circle: true}
			case errors.Is(e, fs.ErrNotExist):
				return &LinkError{Path: dir, Target: target}
			}
			return err
		}
		if filepath.Dir(dir) == dir {
			return err
		}
	}
}
