package ocilayout

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/system"
)

// folder is a layout in a folder. Links out of it lead nowhere: a layout can
// come from a pull request.
type folder struct{ *os.Root }

// open implements layoutFiles.
func (f folder) open(name string) (io.ReadSeekCloser, int64, error) {
	info, err := f.Stat(name)
	if err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, 0, f.about(name, err)
	}
	file, err := f.Open(name)
	if err != nil {
		return nil, 0, f.about(name, err)
	}
	return file, info.Size(), nil
}

// about returns an *Error for what is wrong with the layout itself: a link
// that leads out of the folder, or in a circle, was put there.
func (f folder) about(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err
	case system.Is(err, syscall.ENOTDIR):
		return fs.ErrNotExist
	case system.Is(err, syscall.ELOOP):
		return &Error{Path: f.Name(), Problem: name + " is a link that leads in a circle"}
	case errors.As(err, new(syscall.Errno)):
		return err
	}
	return &Error{Path: f.Name(), Problem: name + " is a link that leads out of it"}
}

// list implements layoutFiles.
func (f folder) list() (names []string, sealed bool, err error) {
	err = fs.WalkDir(f.FS(), ocispec.ImageBlobsDir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	slices.Sort(names)
	return names, false, err
}
