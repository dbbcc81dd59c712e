package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// LinkTemp makes a temporary file in dir, to replace base, as a hard link to path.
// Nothing is written, and it is sealed. It returns nil if path has to be copied
// instead: it belongs to another user, is on another file system, has as many links
// as it can, or cannot be given this mode.
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
		// It may have been swept before it was locked, or path replaced.
		if now, err := os.Lstat(t.path); err == nil && os.SameFile(info, now) {
			return t, nil
		}
		t.Discard()
	}
}

// withMode gives a file of this user a mode. It returns nil if it cannot.
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

// LinksOnly reports whether files in dir can be hard-linked and given a mode, but not
// cloned. It tries with temporary files; if it cannot, the answer is no.
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
