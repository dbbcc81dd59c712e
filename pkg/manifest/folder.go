package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
)

// Directory returns the absolute path of the folder to install in, "" where the
// manifest has no `dir`. The folder need not exist. A link on the way that leads
// out of the manifest's folder is a *diag.Error: a manifest comes from a pull
// request too, and so may links beside it.
func (m *Manifest) Directory() (string, error) {
	if m.dir == nil {
		return "", nil
	}
	path, err := m.Inside(m.Dir)
	if leads, ok := errors.AsType[*LinkError](err); ok {
		return "", m.dir.Document().At(m.dir.Span, "dir: %v", leads)
	}
	return path, err
}

// LinkError says that a path in the manifest's folder goes through a link out of
// it, or through a broken one.
type LinkError struct {
	Path string // as written, relative to the manifest
	Link string // the absolute path of the link
	Gone string // what the link says, if that does not exist; else it is out of the folder
}

func (e *LinkError) Error() string {
	if e.Gone != "" {
		return fmt.Sprintf("%q goes through %s, a link to %s, which does not exist", e.Path, e.Link, e.Gone)
	}
	return fmt.Sprintf("%q leads out of the manifest's folder through the link %s", e.Path, e.Link)
}

func (e *LinkError) Kind() fault.Kind { return fault.Usage }

// Inside returns the absolute path of what the manifest names by a path relative
// to itself: a folder to install in, an image layout. It need not exist. The
// error is a *LinkError where a link leads elsewhere.
func (m *Manifest) Inside(relative string) (string, error) {
	if reason := localProblem(relative); reason != "" {
		return "", fmt.Errorf("%q %s", relative, reason)
	}
	base, err := filepath.Abs(filepath.Dir(m.File))
	if err != nil {
		return "", err
	}
	root, err := filepath.EvalSymlinks(base)
	if err != nil {
		return "", err
	}
	at := root
	for segment := range strings.SplitSeq(relative, "/") {
		next := filepath.Join(at, segment)
		info, err := os.Lstat(next)
		if errors.Is(err, fs.ErrNotExist) {
			break // nothing below it exists, so nothing there is a link
		}
		if err != nil {
			return "", err
		}
		if info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0 { // the latter are junctions on Windows
			target, err := filepath.EvalSymlinks(next)
			if err != nil {
				gone, _ := os.Readlink(next)
				return "", &LinkError{relative, next, gone}
			}
			if !isWithin(root, target) {
				return "", &LinkError{Path: relative, Link: next}
			}
			next = target
		}
		at = next
	}
	return filepath.Join(base, filepath.FromSlash(relative)), nil
}

func isWithin(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(rel)
}
