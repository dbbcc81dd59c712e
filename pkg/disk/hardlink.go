package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// LinkTemp makes a temporary file in dir, to replace base, that is another name of
// the file at path: nothing is written, and it is sealed. nil if the two must not
// be one, so that a copy is due: path is another user's, in another file system,
// has as many names as it can, or not this mode and cannot be given it.
func (d Disk) LinkTemp(dir, base, path string, mode fs.FileMode) (*Temp, error) {
	for {
		info, err := d.withMode(path, mode)
		if err != nil || info == nil {
			return nil, err
		}
		t := &Temp{d: d, path: filepath.Join(dir, tempName(base)), linked: true}
		if err = d.check(Link, t.path); err == nil {
			err = os.Link(path, t.path)
		}
		switch {
		case errors.Is(err, fs.ErrExist):
			continue
		case cannotLink(err):
			return nil, nil
		case err != nil:
			return nil, err
		}
		if t.guard, err = hold(t.path); err != nil {
			t.Discard()
			return nil, err
		}
		// A sweeper may have come before the lock, or another file to path.
		if now, err := os.Lstat(t.path); err == nil && os.SameFile(info, now) {
			return t, nil
		}
		t.Discard()
	}
}

// withMode gives this user's own file a mode, if it has another. nil if it cannot.
func (d Disk) withMode(path string, mode fs.FileMode) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil || !own(info) {
		return nil, err
	}
	if info.Mode() == mode {
		return info, nil
	}
	if err := d.Chmod(path, mode); fixedMode(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if info, err = os.Lstat(path); err != nil || info.Mode() != mode {
		return nil, err
	}
	return info, nil
}

// LinksOnly reports whether a file in dir can have another name, and mode, but no
// clone. It tries with files that are removed at once; if it cannot, the answer is no.
func LinksOnly(dir string, mode fs.FileMode) bool {
	const base = "clone"
	var d Disk
	from, err := d.CreateTemp(dir, base)
	if err != nil {
		return false
	}
	defer from.Discard()
	if _, err := from.Write(make([]byte, 4<<10)); err != nil { // a block
		return false
	}
	to, err := d.CreateTemp(dir, base)
	if err != nil {
		return false
	}
	defer to.Discard()
	if _, cloned := clone(to.file, from.file); cloned {
		return false
	}
	link, _ := d.LinkTemp(dir, base, from.path, mode)
	if link == nil {
		return false
	}
	link.Discard()
	return true
}

func cannotLink(err error) bool {
	return fixedMode(err) || errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EMLINK)
}
